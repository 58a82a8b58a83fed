import { createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";

const tolerance = 300; // seconds
const ed25519 = Buffer.from("302a300506032b6570032100", "hex"); // SubjectPublicKeyInfo, RFC 8410 §4

export function readWebhook(headers, body, ...secrets) {
  const field = (name) => String(headers[name] ?? "");
  const id = field("webhook-id");
  const timestamp = field("webhook-timestamp");
  if (id === "" || !/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > tolerance) throw new Error("the post is no webhook, too old, or of the future");
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  for (const one of field("webhook-signature").split(" ")) {
    const [version, text] = one.split(",");
    const signature = Buffer.from(text ?? "", "base64");
    if (secrets.some((secret) => right(secret, version, signed, signature))) return JSON.parse(Buffer.from(body).toString("utf8"));
  }
  throw new Error("no signature of the post is right");
}

function right(secret, version, signed, signature) {
  if (secret.startsWith("whpk_") && version === "v1a") {
    const raw = Buffer.from(secret.slice("whpk_".length), "base64");
    if (raw.length !== 32) return false;
    const key = createPublicKey({ key: Buffer.concat([ed25519, raw]), format: "der", type: "spki" });
    return verify(null, signed, key, signature);
  }
  if (!secret.startsWith("whsec_") || version !== "v1") return false;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  if (key.length === 0) return false;
  const want = createHmac("sha256", key).update(signed).digest();
  return signature.length === want.length && timingSafeEqual(signature, want);
}
