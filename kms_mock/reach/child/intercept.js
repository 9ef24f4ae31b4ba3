// Loaded first by Node (`--require`), which does not use proxy variables by itself: connections to hosts of mocked
// products go to the mock, those to other hosts of Alibaba Cloud fail. The name for TLS stays what the program asked for.
"use strict";

const net = require("net");
const settings = require("./intercept.json");

const mocked = settings.mocked.map((pattern) => new RegExp(`^(?:${pattern})$`));
const mirrors = new Set(settings.mirrors);

function isAlibabaCloud(name) {
  return settings.alibabaCloud.some((domain) => name === domain || name.endsWith(`.${domain}`)) && !mirrors.has(name);
}

// Returns the options of a connection to the mock instead, null for a connection that is none of ours. Throws an error
// for a host that must not be reached.
function redirected(host) {
  const name = String(host || "").toLowerCase().replace(/\.$/, "");
  if (mocked.some((pattern) => pattern.test(name))) {
    return { host: settings.host, port: settings.port };
  }
  if (isAlibabaCloud(name)) {
    const error = new Error(`kms-mock does not mock ${name}; nothing was sent to Alibaba Cloud`);
    throw Object.assign(error, { code: "EHOSTUNREACH", hostname: name });
  }
  return null;
}

const connect = net.Socket.prototype.connect;

// Called as (options[, listener]), (port, host[, listener]), (path[, listener]), and by `net` itself with one array.
net.Socket.prototype.connect = function kmsMockConnect(...args) {
  const list = Array.isArray(args[0]) ? args[0] : args;
  const options = list[0] !== null && typeof list[0] === "object" ? list[0] : null;
  try {
    const target = redirected(options ? (options.path ? "" : options.host) : typeof list[1] === "string" ? list[1] : "");
    if (target && options) {
      list[0] = { ...options, ...target, lookup: undefined };
    } else if (target) {
      [list[0], list[1]] = [target.port, target.host];
    }
  } catch (error) {
    process.nextTick(() => this.destroy(error));
    return this;
  }
  return connect.apply(this, args);
};
