// Code of a program that has to compile against the types, and lines that must not.
import { Maskline, Problem, isUnavailable, readWebhook } from "maskline-client";
import type { Event, Session, SessionRequest } from "maskline-client";

const edge = new Maskline({ url: "https://edge.example", key: "sk_live_0", timeout: 3_000 });

export async function order(): Promise<string> {
  const request: SessionRequest = { pool: "uk", shape: "per_side", participants: [{ number: "+447700900101" }] };
  try {
    const session: Session = await edge.createSession(request, { idempotencyKey: "order-17", onAnswer: (a) => console.log(a.etag) });
    for await (const message of edge.listMessagesAll(session.id, { limit: 10 })) console.log(message.state === "delivered");
    for await (const event of edge.follow({ after: "evt_1" })) console.log(event.type);
    await edge.deletePool("uk");
    return session.participants[0]?.dial ?? "";
  } catch (error) {
    if (error instanceof Problem) console.log(error.code, error.errors[0]?.field);
    if (isUnavailable(error)) return "";
    throw error;
  }
}

export function hook(headers: Record<string, string | string[] | undefined>, body: Buffer): Event {
  return readWebhook(headers, body, "whsec_1");
}

// @ts-expect-error there is no such shape
edge.createSession({ pool: "uk", participants: [], shape: "round" });
// @ts-expect-error the pool is missing
edge.createSession({ participants: [] });
// @ts-expect-error the id is missing
edge.getSession();
// @ts-expect-error there is no such operation
edge.getPhone("1");
