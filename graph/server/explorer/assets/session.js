// What the page knows of its key: the key, whose it is, and what the ready variables can be filled with.
//
// The key lives in this browser tab (sessionStorage) and in the Authorization header, nowhere else. An address
// ending in #key=... sets it: a browser never sends that part, and it is taken out of the address bar at once.

export const ENDPOINT = location.origin + location.pathname;

const STORED = "timebok:key";
const PAUSE_MS = 300;

const NO_KEY = { standing: "none", text: "No key: documentation only", facts: null };
const CHECKING = { standing: "none", text: "Checking the key …", facts: null };

const ROLES = { ADMIN: "Admin key", STAFF: "Staff key", PUBLIC: "Public key" };

const VIEWER = `query ExplorerKey {
  viewer { role business { name timeZone } }
  services(first: 1) { nodes { id } }
  options(first: 100) { nodes { id google { calendar { googleId } } } }
}`;

const FREE = `query ExplorerFreeSlots($serviceId: ID!, $from: DateTime!, $to: DateTime!) {
  availability(serviceId: $serviceId, from: $from, to: $to) { days { slots { start } } }
}`;

export class Session extends EventTarget {
  #key = keyFromAddress() ?? sessionStorage.getItem(STORED) ?? "";
  #state = NO_KEY;
  #pause;

  constructor() {
    super();
    addEventListener("hashchange", () => this.setKey(keyFromAddress() ?? this.#key));
    this.setKey(this.#key);
  }

  get key() {
    return this.#key;
  }

  get authorization() {
    return this.#key ? { Authorization: `Bearer ${this.#key}` } : {};
  }

  /** { standing: "none" | "good" | "bad", text, facts }: a new object whenever something changed. */
  get state() {
    return this.#state;
  }

  /** From now on every request carries this key; open streams end ("key"), its standing follows ("state"). */
  setKey(text) {
    const key = text.trim();
    const changed = key !== this.#key;
    this.#key = key;
    sessionStorage.setItem(STORED, key);
    if (changed) this.dispatchEvent(new Event("key"));
    clearTimeout(this.#pause);
    this.#show(key ? CHECKING : NO_KEY);
    if (key) this.#pause = setTimeout(() => this.#check(key), changed ? PAUSE_MS : 0);
  }

  async #check(key) {
    const state = await standingOf(this.authorization);
    if (key === this.#key) this.#show(state);
  }

  #show(state) {
    this.#state = state;
    this.dispatchEvent(new Event("state"));
  }
}

function keyFromAddress() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key !== null) history.replaceState(null, "", location.pathname + location.search);
  return key;
}

async function standingOf(authorization) {
  try {
    const { viewer, services, options } = await ask(authorization, VIEWER);
    const text = `${ROLES[viewer.role] ?? viewer.role} · ${viewer.business.name}`;
    // The key is good whether or not something to fill in can be found.
    const free = await factsOf(authorization, services.nodes[0], viewer.business.timeZone).catch(() => ({}));
    const facts = { ...free, ...connected(options.nodes) };
    return { standing: "good", text, facts };
  } catch (error) {
    return { standing: "bad", text: error.message, facts: null };
  }
}

/** What stands where a ready tab's variables have <...>; nothing for a business without services. */
async function factsOf(authorization, service, timeZone) {
  if (!service) return {};
  const from = midnight(1, timeZone);
  const to = midnight(8, timeZone);
  const { availability } = await ask(authorization, FREE, { serviceId: service.id, from, to });
  const slot = availability.days.flatMap((day) => day.slots)[0];
  return {
    "<id of a service>": service.id,
    "<tomorrow>": from,
    "<a week later>": to,
    ...(slot && { "<a free slot>": slot.start }),
  };
}

/** An option whose health has something to tell: one that is tied to a Google calendar, where there is one. */
function connected(options) {
  const option = options.find(({ google }) => google?.calendar) ?? options[0];
  return option ? { "<id of an option with a Google calendar>": option.id } : {};
}

/** The start of a day, so many days from now, with the offset its time zone has about then. */
function midnight(days, timeZone) {
  const then = new Date(Date.now() + days * 24 * 60 * 60 * 1000);
  const date = new Intl.DateTimeFormat("en-CA", { timeZone }).format(then);
  const parts = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" }).formatToParts(then);
  const offset = parts.find((part) => part.type === "timeZoneName").value.slice("GMT".length);
  return `${date}T00:00:00${offset || "Z"}`;
}

async function ask(authorization, query, variables) {
  const response = await fetch(ENDPOINT, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...authorization },
    body: JSON.stringify({ query, variables }),
  }).catch(() => {
    throw new Error("The server cannot be reached");
  });
  if (response.status === 401) throw new Error("Not a valid key");
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}
