export { Maskline, Problem, Unavailable, isUnavailable } from "./client.js";
export { readWebhook } from "./webhook.js";
