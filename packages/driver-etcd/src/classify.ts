// SPDX-License-Identifier: Apache-2.0
import { status } from "@grpc/grpc-js";

/** What the failure of one call means (G1). */
export interface Verdict {
  /** `not_done` only where etcd said so before it did anything; everything else may have happened, or may yet. */
  readonly outcome: "not_done" | "unknown";
  /** `permanent`: a person must act first. */
  readonly kind: "transient" | "permanent";
  /** Worth the attention of a person, although it may pass. */
  readonly alarm: boolean;
  /** The credentials have expired: get new ones and send the same call again, which was not carried out. */
  readonly renewToken?: boolean;
  /** Another member may do better. */
  readonly moveOn?: boolean;
  readonly advice?: string;
}

/** A gRPC status as it came. */
export interface RpcStatus {
  readonly code: number;
  readonly details: string;
}

const UNKNOWN: Verdict = { outcome: "unknown", kind: "transient", alarm: false, moveOn: true };
const NOT_DONE: Verdict = { outcome: "not_done", kind: "transient", alarm: false };

function person(advice: string): Verdict {
  return { outcome: "not_done", kind: "permanent", alarm: true, advice };
}

const ACCESS = person("correct the user name and the password, and the role that the README lists");

/** What etcd itself says, whatever code it comes with. First match wins. */
const RULES: readonly (readonly [RegExp, Verdict])[] = [
  [
    // etcd looks at its quota once more after it has carried out a write, and then answers this for a write that is done.
    /database space exceeded/,
    {
      ...NOT_DONE,
      outcome: "unknown",
      alarm: true,
      advice: "etcd is full and takes no writes: compact, defragment, then disarm the NOSPACE alarm",
    },
  ],
  [/corrupt cluster/, person("etcd found that its members differ: see its documentation on data corruption")],
  [/too many requests|request is too large|too many operations/, NOT_DONE],
  [/invalid auth token|revision of auth store is old/, { ...NOT_DONE, renewToken: true }],
  [/permission denied|authentication failed|user name is empty|user name not found|role name not found/, ACCESS],
  [/no leader|not ready|learner|stopped|member is not/i, UNKNOWN],
];

const TLS_TROUBLE = /certificate|SSL routines|wrong version number|ERR_TLS|ERR_SSL|EPROTO/i;

/** What the failure of a call means for the caller. Doubt is `unknown`. */
export function classify({ code, details }: RpcStatus): Verdict {
  const rule = RULES.find(([pattern]) => pattern.test(details));
  if (rule !== undefined) return rule[1];
  switch (code) {
    case status.UNAVAILABLE:
      return TLS_TROUBLE.test(details)
        ? {
            ...UNKNOWN,
            alarm: true,
            advice: "check the TLS options: authority, server name, client certificate, and https against http",
          }
        : UNKNOWN;
    case status.RESOURCE_EXHAUSTED:
      return { ...NOT_DONE, outcome: "unknown", alarm: true };
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return ACCESS;
    case status.UNIMPLEMENTED:
      return person("is this etcd, version 3.4.22 or later?");
    case status.DATA_LOSS:
      return person("etcd reports lost data");
    case status.INVALID_ARGUMENT:
    case status.FAILED_PRECONDITION:
    case status.OUT_OF_RANGE:
    case status.NOT_FOUND:
    case status.ALREADY_EXISTS:
      // Answered by etcd instead of doing what was asked, and the same request will be answered the same.
      return { ...NOT_DONE, alarm: true };
    default:
      // DEADLINE_EXCEEDED, CANCELLED, ABORTED, INTERNAL, UNKNOWN, and what gRPC may yet invent.
      return UNKNOWN;
  }
}

/** Whether the lease that a call names is gone. */
export function isLeaseGone({ code, details }: RpcStatus): boolean {
  return code === status.NOT_FOUND || /requested lease not found/.test(details);
}
