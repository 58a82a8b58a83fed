import type { Event, Field, ListEventsQuery, Operations } from "./api.js";

export interface Config {
  /** The edge, such as https://edge.example: what stands before /v1. */
  url: string;
  /** An API key, sk_live_…. */
  key: string;
  /** Milliseconds of a call with all its attempts. Default 30,000. */
  timeout?: number;
  /** Milliseconds of one attempt. Default 10,000. */
  attempt?: number;
  /** Makes the requests. Default: the global fetch. */
  fetch?: typeof fetch;
}

/** What changes one call. */
export interface Options {
  /** Names the request: sent again within a day, by whichever process, it does nothing twice. */
  idempotencyKey?: string;
  /** The change is done only where the resource still has this ETag. */
  ifMatch?: string;
  /** Milliseconds of this call with all its attempts. */
  timeout?: number;
  /** Ends the call. */
  signal?: AbortSignal;
  /** Is told of the answer beside its body. */
  onAnswer?: (answer: Answer) => void;
}

/** What an answer says beside its body. */
export interface Answer {
  status: number;
  etag: string;
  replayed: boolean;
  requestId: string;
}

/** A part of a list. */
export interface List<T> {
  data: T[];
  next_cursor?: string;
}

export interface Maskline extends Operations {}

/** A client of an edge, with a method for each operation of its document. */
export class Maskline {
  constructor(config: Config);
  /**
   * Events as they come, from after the event that `after` names; without it, from now on. A stream that breaks is
   * resumed after the last event. It ends with the signal, or throws a Problem that waiting does not mend.
   */
  follow(query?: Pick<ListEventsQuery, "after" | "tenant">, options?: { signal?: AbortSignal }): AsyncGenerator<Event, void, undefined>;
}

/** A refusal by the edge, RFC 9457. */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly requestId: string;
  readonly errors: Field[];
  /** Seconds; 0: nothing is said. */
  readonly retryAfter: number;
  readonly reason: string;
  readonly nextStep: string;
  readonly suggestedPools: string[];
}

/** No answer came: the edge is away or slow. */
export class Unavailable extends Error {}

/** Whether the edge, its store or its carriers are away, slow or overloaded: the same call may succeed later. */
export function isUnavailable(error: unknown): boolean;
