// Caches a value for a minute, reads it, counts a visit.

import { Client } from "memoxide";

const client = Client.create(process.env.MEMCACHED_SERVERS ?? "127.0.0.1:11211");
await client.set("greeting", "hello", { expires: 60 });
const { value } = await client.get("greeting");
await client.add("visits", 0, { expires: 60 });
console.log(value, "visit", (await client.increment("visits", 1)).value);
client.close();
