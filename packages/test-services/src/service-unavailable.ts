// SPDX-License-Identifier: Apache-2.0

/** The services that this package can bring up. */
export type ServiceName = "Postgres" | "Redis" | "etcd" | "PgBouncer";

/**
 * A server that a test needs could not be found or reached. The message lists everything that was tried and
 * ends with one line that says what to do. Tests let it fail them: a suite that skips itself is a false green.
 */
export class ServiceUnavailable extends Error {
  readonly code = "SERVICE_UNAVAILABLE";
  readonly service: ServiceName;
  /** One sentence for each thing tried, in the order of the trials. */
  readonly tried: readonly string[];

  constructor(service: ServiceName, tried: readonly string[], fix: string) {
    super(`No ${service} is available. Tried:\n${tried.map((line) => `  - ${line}`).join("\n")}\nTo fix it: ${fix}`);
    this.name = "ServiceUnavailable";
    this.service = service;
    this.tried = tried;
  }
}
