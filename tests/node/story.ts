// Every operation of the clients, by one GraphQL client: node built/story.js CLIENT URL ADMIN STAFF PUBLIC
// Prints the operations that were run, and ends with 0 when these are all there are and each did what it should.
import assert from 'node:assert/strict';

import { apollo } from './apollo.js';
import type { Cast } from './cast.js';
import type { Maker } from './client.js';
import { desk } from './desk.js';
import { google } from './google.js';
import { offering } from './offering.js';
import { ALL, recording } from './recording.js';
import { urql } from './urql.js';
import { visiting } from './visiting.js';

const MAKERS: Readonly<Record<string, Maker>> = { apollo, urql };

const [name = '', url = '', ...keys] = process.argv.slice(2);
const maker = MAKERS[name];
const [admin, staff, customer] = keys;
if (!maker || !admin || !staff || !customer) {
  console.error('usage: node built/story.js apollo|urql URL ADMIN STAFF PUBLIC');
  process.exit(2);
}

const ran = new Set<string>();
const cast: Cast = {
  url,
  admin: recording(maker(url, admin), ran),
  staff: recording(maker(url, staff), ran),
  customer: recording(maker(url, customer), ran),
};
const offer = await offering(cast);
await visiting(cast, offer);
await desk(cast, offer);
await google(cast, offer);
await Promise.all([cast.admin.close(), cast.staff.close(), cast.customer.close()]);
for (const each of [...ran].sort()) console.log(each);
assert.deepEqual([...ran].sort(), ALL);
