/**
 * Values that other clients have stored, read and written by the client's own
 * methods. `tests/vectors/interop/values` has them; the core's tests check each in
 * more detail.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

import { DecodeError, EmbeddedServer } from "memoxide";

import { clientOf } from "./targets.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const folder = path.join(root, "tests/vectors/interop/values");

/** The dialect of a client, by how its recorded name begins; the first that fits. */
const dialects = [
  [/^(aiomcache|emcache|memjs|node-memcache$|pymemcache-no-serde)/, "raw"],
  [/^(cachelib|django-PyLibMC|pylibmc)/, "pylibmc"],
  [/^(django-PyMemcache|pymemcache|python-memcached)/, "python"],
  [/^(connect-memcached|node-memcached)/, "node-memcached"],
  [/^dalli/, "dalli"],
  [/^memcache-client/, "memcache-client"],
  [/^meta-memcache/, "meta-memcache"],
  [/^php-memcached/, "php"],
];

const formats = "pickle,marshal,php,igbinary,msgpack";

function files() {
  const names = readdirSync(folder).filter((name) => name.endsWith(".gz"));
  assert.equal(names.length, 49);
  const own = names.sort().filter((name) => !name.startsWith("php-session"));
  return own.map((name) => {
    const text = gunzipSync(readFileSync(path.join(folder, name))).toString();
    // Kept exact, as the client reads them.
    const exact = text.replace(/("value_json": ?)(-?\d{16,})(?=[,}])/g, '$1{"$int":"$2"}');
    return JSON.parse(exact);
  });
}

function ofJson(json) {
  if (json?.$int === undefined) return json;
  const number = Number(json.$int);
  return Number.isSafeInteger(number) ? number : BigInt(json.$int);
}

const users = (count) => Array.from({ length: count }, (_, id) => ({ id, name: `user${id}` }));
const bytes = (...numbers) => Buffer.from(numbers);

/** What expressions of Python, JavaScript, PHP and Ruby stand for, where JSON does not tell. */
const expressions = new Map([
  ["b''", bytes()],
  ["b'hello'", Buffer.from("hello")],
  [String.raw`b'\x00\x01\xfe\xff\r\nEND\r\n'`, Buffer.from("\0\x01\xfe\xff\r\nEND\r\n", "latin1")],
  ["bytes(range(256))", bytes(...Array.from({ length: 256 }).keys())],
  ["b'y' * 5000", Buffer.alloc(5000, "y")],
  ["2**63-1", 2n ** 63n - 1n],
  ["2**63", 2n ** 63n],
  ["2**64", 2n ** 64n],
  ["-2**63-1", -(2n ** 63n) - 1n],
  ["10**40", 10n ** 40n],
  ["float('inf')", Number.POSITIVE_INFINITY],
  ["'x' * 5000", "x".repeat(5000)],
  [String.raw`'\u00e9' * 3000`, "é".repeat(3000)],
  ["'a' * 401", "a".repeat(401)],
  ["list(range(2000))", [...Array.from({ length: 2000 }).keys()]],
  ["{'rows': [{'id': i, 'name': 'user%d' % i} for i in range(200)]}", { rows: users(200) }],
  ["Buffer.from('hello')", Buffer.from("hello")],
  ["Buffer.from([0,1,254,255,13,10])", bytes(0, 1, 254, 255, 13, 10)],
  ["Buffer.alloc(5000,0x79)", Buffer.alloc(5000, "y")],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["'x'.repeat(5000)", "x".repeat(5000)],
  [String.raw`'\u00e9'.repeat(3000)`, "é".repeat(3000)],
  ["({u:undefined,d:new Date(0)})", { d: "1970-01-01T00:00:00.000Z" }],
  ["({rows:Array.from({length:200},(_,i)=>({id:i,name:'user'+i}))})", { rows: users(200) }],
  [String.raw`"line1\r\nline2\0\xff"`, Buffer.from("line1\r\nline2\0\xff", "latin1")],
  ["INF", Number.POSITIVE_INFINITY],
  ["-INF", Number.NEGATIVE_INFINITY],
  ["NAN", Number.NaN],
  ["str_repeat('x',5000)", "x".repeat(5000)],
  ["str_repeat('ab',1000)", "ab".repeat(1000)],
  ["str_repeat('x',1999)", "x".repeat(1999)],
  ["str_repeat('x',2000)", "x".repeat(2000)],
  [String.raw`str_repeat("caf\u{e9} ",600)`, "café ".repeat(600)],
  [`array_map(fn($i)=>['id'=>$i,'name'=>"user$i"],range(0,199))`, users(200)],
  ["''", ""],
  ["'hello'", "hello"],
  [String.raw`"caf\u00e9 \u65e5\u672c"`, "café 日本"],
  [String.raw`"\x00\xFF\r\n".b`, bytes(0, 255, 13, 10)],
  ["'latin'.encode('ISO-8859-1')", "latin"],
  ...["0", "1", "-1", "42", "255", "65536"].map((digits) => [digits, Number(digits)]),
  ["2**30-1", 2 ** 30 - 1],
  ["2**30", 2 ** 30],
  ["2**31", 2 ** 31],
  ["2**62", 2n ** 62n],
  ["-2**70", -(2n ** 70n)],
  ["true", true],
  ["false", false],
  ["nil", null],
  ["0.0", 0],
  ["1.5", 1.5],
  ["-3.141592653589793", -Math.PI],
  ["1e308", 1e308],
  ["Float::INFINITY", Number.POSITIVE_INFINITY],
  ["[]", []],
  ["[1,'two',3.5,nil,true]", [1, "two", 3.5, null, true]],
  ["{'a'=>1,'b'=>['x','y']}", { a: 1, b: ["x", "y"] }],
  ["{a: 1, b: {c: nil}}", { a: 1, b: { c: null } }],
  ["['r','r']", ["r", "r"]],
  ["'x'*5000", "x".repeat(5000)],
  ["'x'*4095", "x".repeat(4095)],
  ["'x'*4096", "x".repeat(4096)],
  [String.raw`"\u00e9"*3000`, "é".repeat(3000)],
  [`(0...300).map{|i| {id: i, name: "user#{i}"}}`, users(300)],
]);

/** The recorded value; nothing for objects of classes. */
function expectedOf(recorded) {
  if ("value_json" in recorded) return { value: ofJson(recorded.value_json) };
  const { python, js, php, ruby } = recorded;
  const expression = python ?? js ?? php ?? ruby;
  return expressions.has(expression) ? { value: expressions.get(expression) } : undefined;
}

test("every recorded value is read, and written again as it was", async (t) => {
  const server = await EmbeddedServer.start({ itemSizeLimit: 4 * 2 ** 20 });
  t.after(() => server.stop());
  const counts = { refused: 0, foreign: 0, value: 0, untyped: 0, damaged: 0, object: 0 };
  const written = { same: 0, uncompressed: 0, number: 0, otherwise: 0 };
  for (const { id, cases } of files()) {
    const [, values] = dialects.find(([pattern]) => pattern.test(id));
    const options = { values, foreign: formats, maxValueSize: 4 * 2 ** 20 };
    if (values === "dalli" || values === "php") {
      options.serializer = id.endsWith("json") ? "json" : "native";
    }
    const client = clientOf(t, server.endpoint, options);
    for (const [index, recorded] of cases.entries()) {
      const at = `${id}: ${JSON.stringify(recorded).slice(0, 100)}`;
      if (recorded.flags === undefined) {
        assert.equal(typeof recorded.error, "string", at);
        counts.refused++;
        continue;
      }
      const bytes = Buffer.from(recorded.raw_base64, "base64");
      const key = `${id}:${index}`;
      await client.setRaw(key, bytes, { flags: recorded.flags });
      let value;
      try {
        ({ value } = await client.get(key));
      } catch (error) {
        // A format of one language, which comes with its bytes.
        assert.ok(error instanceof DecodeError, `${at}: ${error}`);
        assert.ok(error.raw.bytes.length > 0, at);
        counts.foreign++;
        continue;
      }
      const expected = expectedOf(recorded);
      if (expected === undefined) {
        counts.object++;
      } else if (Buffer.isBuffer(value) && !Buffer.isBuffer(expected.value)) {
        // The client has no types, or none for this.
        assert.deepEqual(value, bytes, at);
        counts.untyped++;
      } else if (values === "memcache-client" && Number.isNaN(value)) {
        // It writes null for numbers that JSON does not have.
        assert.ok(!Number.isFinite(expected.value ?? Number.NaN), at);
        counts.damaged++;
      } else {
        assert.deepEqual(value, expected.value, at);
        counts.value++;
      }
      await client.set(key, value);
      const again = await client.getRaw(key);
      const isSame = again.flags === recorded.flags && again.bytes.equals(bytes);
      if (isSame) written.same++;
      else if (again.bytes.length > bytes.length) written.uncompressed++;
      // Whether a whole number was one with a fraction is not known any more.
      else if (typeof value === "number" && Number.isInteger(value)) written.number++;
      // Compression that did not pay, numbers as before inside of trees, defects of a client.
      else written.otherwise++;
      assert.deepEqual((await client.get(key)).value, value, at);
    }
  }
  const expected = { refused: 147, foreign: 596, value: 897, untyped: 88, damaged: 2, object: 50 };
  assert.deepEqual(counts, expected);
  assert.deepEqual(written, { same: 882, uncompressed: 98, number: 26, otherwise: 31 });
});
