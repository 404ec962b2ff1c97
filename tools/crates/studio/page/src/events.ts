// Changes on the server. One tab of a browser keeps the connection and passes on what comes, because a browser opens only six
// connections to a host, and fifty tabs would take them all.

import { address, get } from "./api";

type Listener = (data: any) => void;
interface Change {
  id: number;
  type: string;
  data: any;
}

const TYPES = ["data", "runs", "run", "epoch", "restart", "job", "progress", "recipes", "lost"];
const listeners = new Map<string, Set<Listener>>();
let seen: number | undefined;

/** Calls a function at each change of a type until the returned function is called. "lost" means: read everything again. */
export function on(type: string, listener: Listener): () => void {
  const set = listeners.get(type) ?? listeners.set(type, new Set()).get(type)!;
  set.add(listener);
  return () => void set.delete(listener);
}

function dispatch(change: Change): void {
  if (change.id > 0) seen = change.id;
  for (const listener of [...(listeners.get(change.type) ?? [])]) listener(change.data);
}

function connect(channel: BroadcastChannel): void {
  const source = new EventSource(address("events", { since: seen }));
  const pass = (change: Change) => {
    dispatch(change);
    channel.postMessage(change);
  };
  for (const type of TYPES) {
    source.addEventListener(type, (event) => {
      const message = event as MessageEvent<string>;
      pass({ id: Number(message.lastEventId), type, data: JSON.parse(message.data) });
    });
  }
  source.addEventListener("open", () => pass({ id: 0, type: "connected", data: true }));
  source.addEventListener("error", () => {
    pass({ id: 0, type: "connected", data: false });
    // A browser gives up for good after some answers (a server that was restarted with another token).
    if (source.readyState === EventSource.CLOSED) setTimeout(() => connect(channel), 3000);
  });
}

/** Without locks (a page over plain HTTP from another machine): a question every two seconds. */
async function poll(): Promise<void> {
  for (;;) {
    try {
      const url = address("changes", { since: seen, wait: 0 });
      const answer = await get<{ next: number; lost: boolean; events: Change[] }>(url);
      dispatch({ id: 0, type: "connected", data: true });
      if (answer.lost) dispatch({ id: answer.next, type: "lost", data: {} });
      answer.events.forEach(dispatch);
      seen = answer.next;
    } catch {
      dispatch({ id: 0, type: "connected", data: false });
    }
    await new Promise((done) => setTimeout(done, document.hidden ? 15_000 : 2000));
  }
}

/** Begins to listen, to what comes after the change with this number. */
export function start(since: number): void {
  seen = since;
  if (!("locks" in navigator)) {
    void poll();
    return;
  }
  const channel = new BroadcastChannel("elman-changes");
  channel.onmessage = (message) => dispatch(message.data as Change);
  // The lock is held until this tab closes; then another tab gets it and connects.
  void navigator.locks.request("elman-changes", () => {
    connect(channel);
    return new Promise(() => {});
  });
}
