/**
 * Packs the package, installs the tarball in an empty folder and uses it there.
 *
 * The programs of this folder run and are type-checked outside the repository,
 * so that nothing but the content of the tarball can make them pass. Needs a
 * finished `npm run build`; `--keep` leaves the folder for a look.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const programs = ["smoke.mjs", "smoke.cjs"];

/** What may be in the tarball; a new kind of file is a decision, not an accident. */
const allowed =
  /^(package\.json|README\.md|LICENSE.*|bindings-node\/(native\.(js|d\.ts|[\w-]+\.node)|dist\/((memjs|express-session|keyv)\/)?[\w-]+\.(js|mjs|d\.ts|d\.mts)))$/;

const folder = mkdtempSync(join(tmpdir(), "memoxide-pack-"));
try {
  const [tarball] = pack();
  for (const { path } of tarball.files) assert.match(path, allowed);
  install(join(folder, tarball.filename));
  refuse("memoxide/express-session", /needs the package express-session/);
  lend("express-session");
  for (const program of programs) {
    copyFileSync(new URL(program, import.meta.url), join(folder, program));
    run(process.execPath, [program]);
  }
  checkTypes();
  report(tarball);
} finally {
  if (!process.argv.includes("--keep")) rmSync(folder, { recursive: true });
}

function pack() {
  const options = ["--json", "--ignore-scripts", "--pack-destination", folder];
  return JSON.parse(execFileSync("npm", ["pack", ...options], { cwd: root, encoding: "utf8" }));
}

function install(tarball) {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--loglevel=error", tarball]);
  const { scripts = {} } = JSON.parse(
    readFileSync(join(folder, "node_modules/memoxide/package.json"), "utf8"),
  );
  // npm asks its user for approval of each of these.
  for (const name of ["preinstall", "install", "postinstall"]) assert.ok(!(name in scripts), name);
}

/** Lends the package a peer from the repository. */
function lend(name) {
  symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
}

/** Checks the programs as those of a TypeScript user, for each way to resolve a module. */
function checkTypes() {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const types = ["--typeRoots", join(root, "node_modules/@types"), "--types", "node"];
  const strict = ["--strict", "--noEmit", "--allowJs", "--checkJs", "--target", "es2023"];
  for (const mode of [
    ["--module", "node20"],
    ["--module", "nodenext"],
    ["--module", "preserve", "--moduleResolution", "bundler"],
  ]) {
    run(process.execPath, [tsc, ...strict, ...types, ...mode, ...programs]);
  }
}

/** Checks what a module says without the peer that it needs. */
function refuse(module, reason) {
  const script = `try { require("${module}") } catch (error) { process.stdout.write(error.message) }`;
  const said = execFileSync(process.execPath, ["--eval", script], {
    cwd: folder,
    encoding: "utf8",
  });
  assert.match(said, reason);
}

function run(command, args) {
  execFileSync(command, args, { cwd: folder, stdio: "inherit" });
}

function report({ filename, entryCount, size }) {
  process.stdout.write(`${filename}: ${entryCount} files, ${(size / 2 ** 20).toFixed(1)} MiB\n`);
}
