import type { Event } from "./api.js";

/**
 * Reads the event of a post to a webhook endpoint and verifies its signature: Standard Webhooks 1.0.0, v1 by a whsec_
 * secret or v1a by a whpk_ public key. The body is given as it came, in octets. During a rotation both the new secret
 * and the old one are given. Throws where no signature is right, or the post is too old. An event may come more than
 * once: keep the ids for a few days.
 */
export function readWebhook(headers: Record<string, string | string[] | undefined>, body: Uint8Array, ...secrets: string[]): Event;
