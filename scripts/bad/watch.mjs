/**
 * @file Loaded before the command to watch what it does to the outside: files that are opened, where they really are,
 * programs and connections that are started, memory, and what is still active at the end. Writes one JSON document to
 * file descriptor 3.
 */
import childProcess from "node:child_process";
import dgram from "node:dgram";
import dns from "node:dns";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { fileURLToPath } from "node:url";
import worker from "node:worker_threads";

/** What keeps a process alive, or another one. */
const LASTING = /Timeout|Interval|TCP|UDP|Server|Socket|ChildProcess|Process|Worker|MessagePort|FSEvent|StatWatcher/;

const opened = new Set();
const forbidden = [];

const plainPath = (path) => (String(path).startsWith("file:") ? fileURLToPath(path) : String(path));

const realPath = (descriptor, path) => {
  try {
    return fs.readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return plainPath(path);
  }
};

const { open } = fs.promises;
fs.promises.open = async (path, ...rest) => {
  const handle = await open(path, ...rest);
  opened.add(realPath(handle.fd, path));
  return handle;
};
for (const name of ["openSync", "readFileSync", "writeFileSync", "createReadStream", "createWriteStream"]) {
  const real = fs[name];
  fs[name] = (path, ...rest) => {
    if (typeof path !== "number") opened.add(plainPath(path));
    return real(path, ...rest);
  };
}
for (const name of ["readFile", "writeFile"]) {
  const real = fs.promises[name];
  fs.promises[name] = (path, ...rest) => {
    opened.add(plainPath(path));
    return real(path, ...rest);
  };
}
const forbid = (object, name, what) => {
  const real = object[name];
  object[name] = function (...given) {
    forbidden.push(what);
    return real.apply(this, given);
  };
};
for (const name of ["spawn", "spawnSync", "exec", "execSync", "execFile", "execFileSync", "fork"])
  forbid(childProcess, name, `child process by ${name}`);
forbid(net.Socket.prototype, "connect", "connection");
forbid(net.Server.prototype, "listen", "server");
forbid(dgram, "createSocket", "datagram socket");
forbid(dns, "lookup", "name lookup");
const { Worker } = worker;
worker.Worker = class extends Worker {
  constructor(...given) {
    forbidden.push("thread");
    super(...given);
  }
};
syncBuiltinESMExports();

/** Time that the main thread was ready to run while all cores were taken by others: the machine's load, not ours. */
const queuedMs = () => {
  try {
    return Number(fs.readFileSync("/proc/self/schedstat", "utf8").split(" ")[1]) / 1e6;
  } catch {
    return 0;
  }
};

process.on("exit", () => {
  const waitedMs = queuedMs();
  opened.delete("/proc/self/schedstat");
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const active = process.getActiveResourcesInfo().filter((kind) => LASTING.test(kind));
  const seen = {
    peakBytes: maxRSS * 1024,
    cpuMs: (userCPUTime + systemCPUTime) / 1000,
    waitedMs,
    opened: [...opened],
    forbidden,
    active,
  };
  fs.writeSync(3, JSON.stringify(seen));
});
