// The public audit of GraphQL over HTTP: node audit.mjs URL KEY
// Prints what is not met, and ends with 1 if a MUST or a SHOULD is among it.
import { serverAudits } from 'graphql-http';

const [url, key] = process.argv.slice(2);
if (!url || !key) {
  console.error('usage: node audit.mjs URL KEY');
  process.exit(2);
}

function withKey(address, init = {}) {
  return fetch(address, { ...init, headers: { ...init.headers, Authorization: `Bearer ${key}` } });
}

const audits = serverAudits({ url, fetchFn: withKey });
let failed = 0;
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === 'error' || result.status === 'warn') failed += 1;
  if (result.status !== 'ok') console.log(`${result.status} ${audit.id} ${audit.name}: ${result.reason}`);
}
console.log(`${audits.length} audits, ${failed} of them a MUST or a SHOULD that is not met`);
process.exit(failed ? 1 : 0);
