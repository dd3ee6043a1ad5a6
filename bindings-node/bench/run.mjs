/**
 * Compares the client with memjs, memcache-client and a bare socket.
 *
 *     node bindings-node/bench/run.mjs [--rounds 5] [--only awaited,100] [--shared]
 *
 * Starts memcached on one CPU (with `taskset`, where there is one) and runs each
 * client in a process of its own on another, in turns, so that noise meets all
 * alike; with `--shared` they have one CPU together, which takes the time to wake
 * another CPU out of the latency. Prints the median over the rounds, the best round, and the CPU time of
 * the client's process. The peers are looked for in `build/bench`; install them
 * with `npm install --prefix build/bench memjs memcache-client`.
 */

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { scenarios } from "./scenarios.mjs";

const { values: args } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
    clients: { type: "string" },
    shared: { type: "boolean", default: false },
  },
});
const rounds = Number(args.rounds);
const chosen = args.only?.split(",") ?? Object.keys(scenarios);
const wanted = args.clients?.split(",");

const port = await freePort();
const server = start(
  "memcached",
  ["-u", "nobody", "-l", "127.0.0.1", "-p", port, "-U", "0", "-m", "256"],
  args.shared ? 1 : 0,
);
try {
  await reachable(port);
  for (const name of chosen) await compare(name);
} finally {
  server.kill();
}

async function compare(name) {
  const clients = scenarios[name].clients.filter((client) => !wanted || wanted.includes(client));
  const results = new Map(clients.map((client) => [client, []]));
  for (let round = 0; round < rounds; round++) {
    for (const client of clients) results.get(client).push(await measure(name, client));
  }
  const lines = clients.map((client) => {
    const all = results.get(client);
    const wall = all.map((result) => result.wall);
    const cpu = all.map((result) => result.cpu);
    return {
      client,
      wall: median(wall),
      best: Math.min(...wall),
      cpu: median(cpu),
      bestCpu: Math.min(...cpu),
    };
  });
  const [own] = lines;
  process.stdout.write(`\n${name}: ${scenarios[name].about}\n`);
  for (const { client, wall, best, cpu, bestCpu } of lines) {
    const ratio = (their, our) => `${(their / our).toFixed(2)}x`;
    process.stdout.write(
      `  ${client.padEnd(16)} ${micros(wall)} (best ${micros(best)}) cpu ${micros(cpu)} (best ${micros(bestCpu)})  ` +
        `wall ${ratio(wall, own.wall)} best ${ratio(best, own.best)} cpu ${ratio(cpu, own.cpu)}\n`,
    );
  }
}

async function measure(name, client) {
  const worker = fileURLToPath(new URL("worker.mjs", import.meta.url));
  const child = start(process.execPath, [worker, name, client, port], 1);
  let output = "";
  for await (const chunk of child.stdout) output += chunk;
  return JSON.parse(output);
}

function start(command, args, cpu) {
  const stdio = ["ignore", "pipe", "inherit"];
  const text = args.map(String);
  const pinned = ["-c", String(cpu), command, ...text];
  return canPin() ? spawn("taskset", pinned, { stdio }) : spawn(command, text, { stdio });
}

function canPin() {
  try {
    execFileSync("taskset", ["-c", "1", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function freePort() {
  const probe = net.createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

async function reachable(port) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const socket = net.connect(port, "127.0.0.1");
    const opened = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (opened) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("memcached does not answer");
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function micros(nanoseconds) {
  return `${(nanoseconds / 1000).toFixed(2)} µs`.padStart(12);
}
