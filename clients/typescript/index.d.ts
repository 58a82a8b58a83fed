export * from "./api.js";
export { Maskline, Problem, Unavailable, isUnavailable } from "./client.js";
export type { Answer, Config, List, Options } from "./client.js";
export { readWebhook } from "./webhook.js";
