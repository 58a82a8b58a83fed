import { operations } from "./operations.js";

const firstPause = 100;
const longestPause = 5_000;
const silence = 45_000; // of a stream, which says every 15 seconds that it lives

export class Problem extends Error {
  constructor(status, body, retryAfter) {
    const fields = body.errors ?? [];
    super([`${body.code}: ${body.title}`, body.detail, ...fields.map((f) => `${f.field}: ${f.problem}.`)].filter(Boolean).join(" "));
    this.name = "Problem";
    this.status = status;
    this.code = body.code;
    this.title = body.title;
    this.detail = body.detail ?? "";
    this.requestId = body.request_id ?? "";
    this.errors = fields;
    this.retryAfter = retryAfter || body.retry_after || 0;
    this.reason = body.reason ?? "";
    this.nextStep = body.next_step ?? "";
    this.suggestedPools = body.suggested_pools ?? [];
  }
}

export class Unavailable extends Error {
  constructor(cause) {
    super("no answer: the service is not available now", { cause });
    this.name = "Unavailable";
  }
}

export function isUnavailable(error) {
  if (error instanceof Unavailable) return true;
  return error instanceof Problem && (error.status >= 500 || (error.code === "rate-limited" && error.retryAfter > 0));
}

export class Maskline {
  #base;
  #key;
  #timeout;
  #attempt;
  #fetch;

  constructor({ url, key, timeout = 30_000, attempt = 10_000, fetch = globalThis.fetch }) {
    const base = new URL(url);
    if (!/^https?:$/.test(base.protocol) || base.username || base.search) throw new TypeError("url: expected one such as https://edge.example");
    if (!key || /\s/.test(key)) throw new TypeError("key: expected the text of an API key");
    this.#base = url.replace(/\/$/, "");
    this.#key = key;
    this.#timeout = timeout;
    this.#attempt = attempt;
    this.#fetch = fetch;
  }

  /** Calls until there is an answer, or nothing more can be done. For the methods below. */
  async _call(operation, args) {
    const call = prepare(operation, args);
    const options = call.options;
    const until = Date.now() + (options.timeout ?? this.#timeout);
    const headers = { Authorization: `Bearer ${this.#key}` };
    if (call.body !== undefined) headers["Content-Type"] = "application/json";
    if (operation.idempotent) headers["Idempotency-Key"] = options.idempotencyKey ?? crypto.randomUUID();
    if (options.ifMatch) headers["If-Match"] = options.ifMatch;
    for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
      try {
        return await this.#once(operation, call, headers, until);
      } catch (error) {
        if (options.signal?.aborted) throw options.signal.reason;
        if (!again(operation, error)) throw error;
        const wait = error.retryAfter ? error.retryAfter * 1000 : pause * (0.5 + Math.random() / 2);
        if (Date.now() + wait >= until) throw error;
        await sleep(wait, options.signal);
      }
    }
  }

  async #once(operation, call, headers, until) {
    const { signal, onAnswer } = call.options;
    const limit = AbortSignal.timeout(Math.max(1, Math.min(this.#attempt, until - Date.now())));
    let response, text;
    try {
      response = await this.#fetch(this.#base + call.path, {
        method: operation.method, headers, body: call.body, redirect: "manual", signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      text = await response.text();
    } catch (cause) {
      throw new Unavailable(cause);
    }
    if (!response.ok) throw problemOf(response, text);
    onAnswer?.({
      status: response.status, etag: response.headers.get("etag") ?? "", replayed: response.headers.get("idempotent-replayed") === "true",
      requestId: response.headers.get("x-request-id") ?? "",
    });
    return text === "" ? undefined : JSON.parse(text);
  }

  async *follow({ after = "", tenant = "" } = {}, { signal } = {}) {
    for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
      let wait = pause;
      try {
        for await (const event of this.#stream(after, tenant, signal)) {
          after = event.id;
          pause = wait = firstPause;
          yield event;
        }
      } catch (error) {
        if (signal?.aborted) return;
        if (!isUnavailable(error)) throw error;
        if (error.retryAfter) wait = error.retryAfter * 1000;
      }
      if (signal?.aborted) return;
      await sleep(wait, signal).catch(() => {});
    }
  }

  async *#stream(after, tenant, signal) {
    const ended = new AbortController();
    const stop = () => ended.abort();
    signal?.addEventListener("abort", stop);
    let alive = setTimeout(stop, silence);
    try {
      const query = new URLSearchParams(Object.entries({ after, tenant }).filter(([, value]) => value));
      const response = await this.#fetch(`${this.#base}/v1/events?${query}`, {
        headers: { Authorization: `Bearer ${this.#key}`, Accept: "text/event-stream" }, redirect: "manual", signal: ended.signal,
      });
      if (!response.ok) throw problemOf(response, await response.text());
      let rest = "";
      const decoder = new TextDecoder();
      for await (const part of response.body) {
        clearTimeout(alive);
        alive = setTimeout(stop, silence);
        const lines = (rest + decoder.decode(part, { stream: true })).split("\n");
        rest = lines.pop();
        for (const line of lines) {
          if (line.startsWith("data: ")) yield JSON.parse(line.slice(6));
        }
      }
    } catch (error) {
      throw error instanceof Problem ? error : new Unavailable(error);
    } finally {
      clearTimeout(alive);
      signal?.removeEventListener("abort", stop);
      stop();
    }
  }
}

for (const [name, operation] of Object.entries(operations)) {
  Maskline.prototype[name] = function (...args) {
    return this._call(operation, args);
  };
  if (operation.paged) {
    Maskline.prototype[`${name}All`] = async function* (...args) {
      const at = countOf(operation) + (operation.paged === "query" && operation.body ? 1 : 0);
      for (let cursor; ; ) {
        const next = [...args];
        if (cursor) next[at] = { ...next[at], cursor };
        const page = await this._call(operation, next);
        yield* page.data;
        if (!(cursor = page.next_cursor)) return;
      }
    };
  }
}

/** How many parts of its path an operation takes first. */
function countOf(operation) {
  return (operation.path.match(/\{/g) ?? []).length;
}

function prepare(operation, args) {
  let at = 0;
  let path = operation.path.replace(/\{[a-z_]+\}/g, () => {
    const value = args[at++];
    if (typeof value !== "string" || value === "") throw new TypeError("an id is empty");
    return encodeURIComponent(value);
  });
  const body = operation.body ? JSON.stringify(args[at++] ?? {}) : undefined;
  if (operation.query) {
    const given = Object.entries(args[at++] ?? {}).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    if (query) path += `?${query}`;
  }
  return { path, body, options: args[at] ?? {} };
}

/** Whether a call may be sent once more. */
function again(operation, error) {
  const harmless = operation.idempotent || ["GET", "PUT", "DELETE"].includes(operation.method);
  if (error instanceof Unavailable) return harmless || error.cause?.cause?.code === "ECONNREFUSED";
  if (!(error instanceof Problem)) return false;
  if (error.status === 429) return error.retryAfter > 0;
  if (error.code === "maintenance" || error.code === "idempotency-conflict") return true;
  return harmless && isUnavailable(error);
}

function problemOf(response, text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = {};
  }
  if (!body?.code) body = { code: `http-${response.status}`, title: response.statusText };
  return new Problem(response.status, body, Number(response.headers.get("retry-after")) || 0);
}

function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
