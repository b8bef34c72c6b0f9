// The tabs that stand ready: one operation each, named after it, with variables that fill themselves in.

const NAMES = ["first-query", "first-booking", "first-subscription", "home", "bookings", "sync-health"];
const FILLED = "timebok:filled";

/** [{ name, query, variables }], fit for GraphiQL's defaultTabs. */
export function loadTabs() {
  return Promise.all(NAMES.map(async (name) => ({
    name,
    query: await text(`./tabs/${name}.graphql`),
    variables: await text(`./tabs/${name}.json`),
  })));
}

/**
 * What should stand in a variables editor that shows `shown`, or null to leave it alone. Only what this page put
 * there is replaced: a template with its <blanks>, or the same filled in for an earlier key or day.
 */
export function refill(tabs, shown, facts) {
  const filled = JSON.parse(localStorage.getItem(FILLED) ?? "{}");
  const tab = tabs.find(({ name, variables }) => shown === variables || shown === filled[name]);
  if (!tab) return null;
  const ready = Object.entries(facts).reduce((text, [blank, value]) => text.replaceAll(blank, value), tab.variables);
  localStorage.setItem(FILLED, JSON.stringify({ ...filled, [tab.name]: ready }));
  return ready;
}

async function text(path) {
  const response = await fetch(new URL(path, import.meta.url));
  return (await response.text()).trimEnd();
}
