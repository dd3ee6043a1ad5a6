/** The entries of the package: what a program imports is what a library requires. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const imported = await import("memoxide");

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("../..", import.meta.url));

test("import and require give the same objects under the same names", () => {
  const required = require("memoxide");
  // Node versions differ in which of these marks of a CommonJS module they show.
  const marks = ["__esModule", "module.exports"];
  const names = Object.keys(imported).filter((name) => !marks.includes(name));
  assert.deepEqual(names.sort(), Object.keys(required).sort());
  assert.ok(names.length > 0);
  for (const name of names) assert.equal(imported[name], required[name], name);
});

test("the package, the native module and the crate have one version", () => {
  const { version } = require("memoxide/package.json");
  assert.equal(require("../native.js").version(), version);
});

test("a platform without a native module gets a message that names it and the fix", async () => {
  const script = `
    Object.defineProperty(process, "platform", { value: "aix" });
    Object.defineProperty(process, "arch", { value: "ppc64" });
    try { require("memoxide"); } catch (error) { process.stdout.write(error.message); }
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--eval", script], { cwd: root });
  assert.match(stdout, /^memoxide has no native module for aix-ppc64 /);
  assert.match(stdout, /npm run build/);
});
