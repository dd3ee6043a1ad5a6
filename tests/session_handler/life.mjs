// The life of one session, through `handler.mjs`; prints what each step gave.

import { SessionHandler } from "../../examples/session-handler/handler.mjs";

const server = process.argv[2];
const [handler, other] = [new SessionHandler(), new SessionHandler({ lockWait: 0.05 })];
handler.open(server, "PHPSESSID");
other.open(server, "PHPSESSID");
const sid = handler.createSid();
const steps = [
  await handler.validateId("../made up"),
  await handler.validateId(sid),
  (await handler.read(sid)) === "",
  await handler.write(sid, '{"user": "Ada"}'),
  await other.read(sid).then(
    () => "open",
    () => "locked",
  ),
];
await handler.close();
handler.open(server, "PHPSESSID");
const data = await handler.read(sid);
steps.push(
  await handler.validateId(sid),
  data !== "",
  await handler.updateTimestamp(sid, data),
  handler.gc(1440),
  await handler.destroy(sid),
  (await other.read(sid)) === "",
  await other.close(),
  await handler.validateId(sid),
  await handler.close(),
);
process.stdout.write(JSON.stringify({ sid, steps }));
