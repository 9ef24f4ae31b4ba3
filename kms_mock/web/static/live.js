// What happens on the server, as it happens. Keeps the newest calls; others listen.

import { BASE } from "./control.js";

export const MOST_CALLS = 1000;
export const calls = []; // oldest first
const listeners = new Map();
let run = "";
let changes = -1;
let source = null;
export let connected = false;

export function on(name, listener) {
  const all = listeners.get(name) ?? new Set();
  listeners.set(name, all.add(listener));
  return () => all.delete(listener);
}

function emit(name, detail) {
  for (const listener of [...(listeners.get(name) ?? [])]) listener(detail);
}

function setConnected(value) {
  if (connected === value) return;
  connected = value;
  emit("connected", value);
}

// Another server at the same address has calls of its own.
function changeServer(name) {
  if (name === run) return;
  if (run && calls.length) {
    calls.length = 0;
    emit("dropped");
  }
  run = name;
}

function receiveCalls(event) {
  const { calls: news, skipped } = JSON.parse(event.data);
  const arrived = Date.now();
  for (const call of news) call.arrived = arrived;
  changeServer(event.lastEventId.split(".")[0]);
  calls.push(...news);
  calls.splice(0, Math.max(0, calls.length - MOST_CALLS));
  emit("calls", { news, skipped });
  if (news.some((call) => call.changes.length)) emit("changed");
}

function receiveState(event) {
  const state = JSON.parse(event.data);
  changeServer(state.run);
  const firstKept = calls.findIndex((call) => call.number >= state.oldest && call.number <= state.count);
  if (firstKept !== 0 && calls.length) {
    calls.splice(0, firstKept < 0 ? calls.length : firstKept);
    emit("dropped", state);
  }
  emit("state", state);
  if (changes !== state.changes) {
    if (changes >= 0) emit("changed");
    changes = state.changes;
  }
}

export function start() {
  source = new EventSource(`${BASE}events`);
  source.addEventListener("calls", receiveCalls);
  source.addEventListener("state", receiveState);
  source.addEventListener("open", () => setConnected(true));
  source.addEventListener("error", () => {
    setConnected(false);
    if (source.readyState === EventSource.CLOSED) setTimeout(start, 2000);
  });
}

// The call that was answered with this request id, once it is known; null if it does not come.
export function callOf(requestId, patience = 1500) {
  return new Promise((resolve) => {
    const find = () => calls.findLast((call) => call.request_id === requestId);
    const found = find();
    if (found) return resolve(found);
    const stop = on("calls", () => {
      const call = find();
      if (call) finish(call);
    });
    const timer = setTimeout(() => finish(null), patience);
    function finish(call) {
      stop();
      clearTimeout(timer);
      resolve(call);
    }
  });
}
