// The page: the bar with the key, and GraphiQL beneath it sending that key with whatever it sends.

import { ENDPOINT, Session } from "./session.js";
import { loadTabs, refill } from "./tabs.js";

const { React, ReactDOM, GraphiQL, GraphiQLPluginExplorer, graphqlWs } = window;
const { createElement } = React;

const ON_A_PHONE = matchMedia("(max-width: 700px)").matches;
const DOCS = "Documentation Explorer";

const session = new Session();
connectBar();
connectSearch();
await showGraphiQL();

function connectBar() {
  const field = document.getElementById("key");
  const show = document.getElementById("show");
  const standing = document.getElementById("standing");

  const reflect = () => {
    if (field.value.trim() !== session.key) field.value = session.key;
    standing.textContent = session.state.text;
    standing.dataset.standing = session.state.standing;
  };
  field.addEventListener("input", () => session.setKey(field.value));
  show.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    show.textContent = shown ? "Hide" : "Show";
    show.setAttribute("aria-pressed", String(shown));
  });
  session.addEventListener("state", reflect);
  reflect();
}

/** Ctrl-K, or Command-K, searches the docs from wherever one is, and opens them first where they are closed. */
function connectSearch() {
  const focus = () => document.querySelector(".graphiql-doc-explorer-search input")?.focus();
  const listen = (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    document.querySelector(`[aria-label="Show ${DOCS}"]`)?.click();
    // The docs of a field have no search of their own: back to where there is one.
    const back = () => document.querySelector(".graphiql-doc-explorer-back");
    const look = (left) => {
      if (document.querySelector(".graphiql-doc-explorer-search")) focus();
      else if (left > 0) {
        back()?.click();
        requestAnimationFrame(() => look(left - 1));
      }
    };
    look(30);
  };
  addEventListener("keydown", listen, { capture: true });
}

/**
 * Sends the key as a header, and in connection_init on a socket. A socket lives as long as its subscription, so the
 * next one says the new key; none is opened again by itself, so what a stream missed is never hidden. The docs are
 * asked for without the key: a wrong one must not hide them.
 */
function createFetcher() {
  const send = GraphiQL.createFetcher({
    url: ENDPOINT,
    headers: { Accept: "application/graphql-response+json, application/json;q=0.9" },
    enableIncrementalDelivery: false,
    wsClient: graphqlWs.createClient({
      url: ENDPOINT.replace(/^http/, "ws"),
      connectionParams: () => session.authorization,
      retryAttempts: 0,
    }),
  });
  let stream;
  session.addEventListener("key", () => stream?.return());
  return async (request, options) => {
    const isAsked = request.operationName !== "IntrospectionQuery";
    const authorization = isAsked ? session.authorization : {};
    // On a phone the answer lies below the screen.
    if (isAsked && ON_A_PHONE) document.querySelector(".graphiql-response")?.scrollIntoView();
    const answer = await send(request, { ...options, headers: { ...authorization, ...options?.headers } });
    if (Symbol.asyncIterator in answer) stream = answer;
    return answer;
  };
}

async function showGraphiQL() {
  const tabs = await loadTabs();
  const storage = GraphiQL.createLocalStorage({ namespace: "timebok" });
  if (storage.getItem("graphiql:tabState") === null) {
    // What GraphiQL shows first it takes from here; defaultTabs alone would leave the first tab without variables.
    storage.setItem("graphiql:query", tabs[0].query);
    storage.setItem("graphiql:variables", tabs[0].variables);
  }
  const app = createElement(
    GraphiQL,
    {
      fetcher: createFetcher(),
      storage,
      defaultTabs: tabs,
      defaultQuery: "",
      defaultTheme: null, // the system's
      defaultEditorToolsVisibility: "variables",
      visiblePlugin: ON_A_PHONE ? undefined : DOCS,
      plugins: [GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false })],
      toolbar: { additionalComponent: readyVariables(tabs) },
      shouldPersistHeaders: false,
      inputValueDeprecation: true,
      schemaDescription: true,
    },
    createElement(GraphiQL.Logo, null, createElement("span")),
  );
  ReactDOM.createRoot(document.getElementById("graphiql")).render(app);
}

/**
 * A component with nothing to see: it fills in the active tab's variables when the key or a tab changes. GraphiQL puts a
 * tab's first variables back when the active one is clicked again, so every change of the tabs counts.
 */
function readyVariables(tabs) {
  const subscribe = (listener) => {
    session.addEventListener("state", listener);
    return () => session.removeEventListener("state", listener);
  };
  return function ReadyVariables() {
    const { variableEditor, tabs: shownTabs } = GraphiQL.React.useEditorContext({ nonNull: true });
    const { facts } = React.useSyncExternalStore(subscribe, () => session.state);
    React.useEffect(() => {
      if (!variableEditor || !facts) return;
      const shown = variableEditor.getValue();
      const ready = refill(tabs, shown, facts);
      if (ready !== null && ready !== shown) variableEditor.setValue(ready);
    }, [variableEditor, shownTabs, facts]);
    return null;
  };
}
