// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { AdminErrorKind, type ChangeResponse, type GrpcMethod } from "@tsoracle/proto";
import { CliError } from "../cli-error.ts";
import { formatDuration } from "../duration.ts";
import type { ClientTls } from "../open-client.ts";
import { noAnswer } from "../status/no-answer.ts";
import { callAdmin } from "./admin-client.ts";

/** Where to ask, and for how long altogether. */
export interface AdminAccess {
  readonly endpoints: readonly string[];
  readonly tls: ClientTls | undefined;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Between two rounds, while a leader is being elected or a learner catches up. */
const PAUSE_MS = 200;
/** Redirects that are followed at once; then it is the cluster that has to settle. */
const MAX_HOPS = 3;

/** What is learned from one answer: the change stands, ask there, or ask again later. */
type Next =
  | { readonly kind: "done" }
  | { readonly kind: "elsewhere"; readonly endpoint: string }
  | { readonly kind: "later"; readonly message: string };

/**
 * Makes one change at whoever leads. Any member may be asked: it names the leader, and so does a leader that hands over
 * because it is to be removed. While nobody leads or a learner lags, it asks again until the time is over, which is safe
 * because every change is idempotent.
 *
 * @throws CliError `failed` with what the cluster said
 */
export async function changeAtLeader<Request>(
  access: AdminAccess,
  method: GrpcMethod<Request, ChangeResponse>,
  request: Request,
): Promise<void> {
  const route = new Route(access.endpoints);
  const over = performance.now() + access.timeout;
  let waitingFor = "no member has answered";
  for (;;) {
    const left = over - performance.now();
    if (left <= 0) throw new CliError("failed", `not done within ${formatDuration(access.timeout)}: ${waitingFor}`);
    const next = await ask(access, route, method, request, left);
    switch (next.kind) {
      case "done":
        return;
      case "elsewhere":
        if (route.redirect(next.endpoint)) continue;
        waitingFor = `members name each other as the leader, the last of them ${next.endpoint}`;
        break;
      case "later":
        waitingFor = next.message;
        break;
      default:
        next satisfies never;
    }
    await pause(Math.max(0, Math.min(PAUSE_MS, over - performance.now())));
  }
}

/** One question. A member that cannot be reached is passed over while there is another one. */
async function ask<Request>(
  { tls, timeout }: AdminAccess,
  route: Route,
  method: GrpcMethod<Request, ChangeResponse>,
  request: Request,
  leftMs: number,
): Promise<Next> {
  const endpoint = route.current;
  let response: ChangeResponse;
  try {
    response = await callAdmin(endpoint, tls, method, request, leftMs);
  } catch (error) {
    const why = noAnswer(endpoint, timeout, error);
    if (!isUnavailable(error)) throw new CliError("failed", why, { cause: error });
    if (!route.passOver()) throw new CliError("failed", why, { cause: error });
    return { kind: "later", message: why };
  }
  route.answered();
  return judge(response, route);
}

function judge(response: ChangeResponse, route: Route): Next {
  const { ok, error, message, leaderAdminEndpoint } = response;
  if (ok) return { kind: "done" };
  switch (error) {
    case AdminErrorKind.ADMIN_ERROR_KIND_NOT_LEADER:
      if (leaderAdminEndpoint !== "") return { kind: "elsewhere", endpoint: leaderAdminEndpoint };
      route.passOver();
      return { kind: "later", message };
    case AdminErrorKind.ADMIN_ERROR_KIND_TIMEOUT:
    case AdminErrorKind.ADMIN_ERROR_KIND_NOT_CAUGHT_UP:
      return { kind: "later", message };
    default:
      throw new CliError("failed", message === "" ? `refused with error ${error}` : message);
  }
}

function isUnavailable(error: unknown): boolean {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED;
}

/** Whom to ask next: where one was sent to, else the given members in turn. */
class Route {
  readonly #given: readonly string[];
  #at = 0;
  #redirected: string | undefined;
  #hops = 0;
  /** Given members in a row that could not be reached. */
  #silent = 0;

  constructor(given: readonly string[]) {
    this.#given = given;
  }

  get current(): string {
    return this.#redirected ?? (this.#given[this.#at % this.#given.length] as string);
  }

  answered(): void {
    this.#silent = 0;
  }

  /** Returns whether to go there at once, instead of waiting first. */
  redirect(endpoint: string): boolean {
    const isNew = endpoint !== this.current;
    this.#redirected = endpoint;
    this.#hops += 1;
    if (isNew && this.#hops <= MAX_HOPS) return true;
    this.#hops = 0;
    return false;
  }

  /** Goes on to the next given member; false if all of them were silent. */
  passOver(): boolean {
    if (this.#redirected === undefined) {
      this.#at += 1;
      this.#silent += 1;
    }
    this.#redirected = undefined;
    this.#hops = 0;
    return this.#silent < this.#given.length;
  }
}
