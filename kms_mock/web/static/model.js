// What the server has, as a fixture document: read again when something changed.

import { control } from "./control.js";
import { on } from "./live.js";

export const model = { state: null, server: null, catalogue: null };
const listeners = new Set();
let reading = false;
let again = false;
let took = 0; // milliseconds of the last time

export function onState(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export async function readState() {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  const began = performance.now();
  try {
    do {
      again = false;
      model.state = await control("GET", "state");
      for (const listener of [...listeners]) listener();
    } while (again);
  } finally {
    reading = false;
    took = performance.now() - began;
  }
}

// A large store takes long to read, and the server has others to serve: the page rests twenty times as long.
const REST = 20;
let waiting = null;
on("changed", () => {
  waiting ??= setTimeout(() => {
    waiting = null;
    readState();
  }, Math.max(150, REST * took));
});

export async function readAll() {
  [model.server, model.catalogue] = await Promise.all([control("GET", "server"), control("GET", "catalogue"), readState()]);
}

export function operationNamed(name) {
  return model.catalogue.operations.find((entry) => entry.operation.name === name) ?? null;
}

// The resources of an account in a region: a list for each kind.
export function resources(who) {
  const account = model.state?.accounts?.find((entry) => entry.id === who.account);
  return account?.regions?.find((entry) => entry.id === who.region) ?? {};
}

export function accountOf(who) {
  return model.state?.accounts?.find((entry) => entry.id === who.account) ?? {};
}
