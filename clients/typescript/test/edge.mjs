// Scenes with a running edge, each by its name; the edge's tests run them.
import assert from "node:assert/strict";
import { Maskline, Problem, Unavailable, isUnavailable, readWebhook } from "../index.js";

const edge = () => new Maskline({ url: process.env.MASKLINE_API, key: process.env.MASKLINE_KEY, timeout: 20_000 });
const pair = (last) => ({ pool: "uk", participants: [{ number: `+44770090010${last}` }, { number: `+44770090020${last}` }] });

const scenes = {
  async calls() {
    const c = edge();
    let told;
    const onAnswer = (answer) => (told = answer);
    const first = await c.createSession(pair(1), { idempotencyKey: "order-1", onAnswer });
    assert.equal(first.state, "active");
    assert.ok(told.status === 201 && told.etag && told.requestId && !told.replayed);
    const etag = told.etag;
    assert.equal((await c.createSession(pair(1), { idempotencyKey: "order-1", onAnswer })).id, first.id);
    assert.ok(told.replayed);
    await c.createSession(pair(2));
    await c.createSession(pair(3));
    await c.extendSession(first.id, { ttl: 600 }, { ifMatch: etag });
    await assert.rejects(c.extendSession(first.id, { ttl: 600 }, { ifMatch: etag }), { code: "precondition-failed" });
    const seen = [];
    for await (const s of c.listSessionsAll({ limit: 1, live: true })) seen.push(s.id);
    assert.equal(new Set(seen).size, 3);
    const found = [];
    for await (const s of c.searchSessionsAll({ number: "+447700900101", limit: 1 })) found.push(s.id);
    assert.deepEqual(found, [first.id]);
    await assert.rejects(c.createSession({ ...pair(4), pool: "nowhere" }), (error) => {
      return error instanceof Problem && error.code === "validation-failed" && error.errors[0].field === "body.pool" && error.requestId !== "" && !isUnavailable(error);
    });
    assert.equal((await c.closeSession(first.id)).state, "released");
    assert.throws(() => readWebhook({}, Buffer.from("{}"), "whsec_AAAA"));
    assert.throws(() => new Maskline({ url: "ftp://x", key: "k" }));
  },
  // Two answers get lost on the way.
  async lost() {
    const c = edge();
    let told;
    await c.createSession(pair(1), { onAnswer: (answer) => (told = answer) });
    assert.ok(told.replayed);
    const all = [];
    for await (const s of c.listSessionsAll()) all.push(s);
    assert.equal(all.length, 1);
  },
  // An answer gets lost to what may not be sent twice.
  async once() {
    await assert.rejects(edge().createKey({ role: "read-only" }), Unavailable);
  },
  async limited() {
    const c = edge();
    for (let i = 0; i < 5; i++) await c.getLimits();
    await assert.rejects(async () => {
      for (let i = 0; i < 20; i++) await c.getLimits({ timeout: 900 });
    }, { code: "rate-limited", retryAfter: 1 });
  },
  async events() {
    const c = edge();
    const first = await c.createSession(pair(1));
    await c.closeSession(first.id);
    const { data } = await c.listEvents({ limit: 1 });
    const types = [];
    for await (const event of c.follow({ after: data[0].id })) {
      types.push(event.type);
      if (types.length === 2) break;
      await fetch(`${process.env.MASKLINE_API}/break`); // the way ends every connection
      await c.createSession(pair(2));
    }
    assert.deepEqual(types, ["session.closed", "session.created"]);
    await assert.rejects(c.follow({ after: "evt_0000000000001" }).next(), { code: "not-found" });
    const ended = new AbortController();
    setTimeout(() => ended.abort(), 50);
    assert.equal((await c.follow({}, { signal: ended.signal }).next()).done, true);
  },
  // A post on standard input, its fields in the environment.
  async webhook() {
    const headers = { "webhook-id": process.env.ID, "webhook-timestamp": process.env.TIMESTAMP, "webhook-signature": process.env.SIGNATURE };
    const { readFileSync } = await import("node:fs");
    readWebhook(headers, readFileSync(0), ...process.env.SECRETS.split(" "));
  },
};

await scenes[process.argv[2]]();
