// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server, type ServerResponse } from "node:http";
import type { ConsensusDriver } from "@tsoracle/consensus";
import type { Registry } from "prom-client";
import { BoundAddress } from "./address.ts";
import { messageOf } from "./finish.ts";
import type { Logger } from "./logger.ts";
import type { ServerMetrics } from "./metrics.ts";
import { driverMetricsText, prometheusRegistry } from "./prometheus.ts";
import { type StatusView, statusPage } from "./status-page.ts";

export interface SidePortParts {
  readonly metrics: ServerMetrics;
  /** Asked for its own metrics, if it has some. */
  readonly driver: Pick<ConsensusDriver, "metrics">;
  readonly logger: Logger;
  /** Read at each request. */
  readonly view: () => StatusView;
}

/**
 * Plain HTTP for machines and people: `/metrics`, `/healthz`, `/readyz` and `/`. It changes nothing
 * and has no authentication, so it belongs on loopback or behind something that has.
 *
 * - `/healthz` is 200 while the process runs.
 * - `/readyz` is 200 while the server serves or follows a leader it knows of, which is as useful to
 *   clients that know all nodes, and 503 otherwise: before the first election and once it ends.
 */
export class SidePort {
  readonly #server: Server;
  readonly #parts: SidePortParts;
  readonly #registry: Registry;

  constructor(parts: SidePortParts) {
    this.#parts = parts;
    this.#registry = prometheusRegistry(parts.metrics);
    this.#server = createServer(
      { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000, maxHeaderSize: 8_192 },
      (request, response) => {
        request.resume();
        this.#route(request.method ?? "", request.url ?? "/", response).catch((error: unknown) => {
          parts.logger.error({ error: messageOf(error) }, "the side port failed to answer");
          response.destroy();
        });
      },
    );
    this.#server.maxConnections = 64;
  }

  listen(host: string, port: number): Promise<BoundAddress> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off("error", reject);
        const address = this.#server.address();
        if (address === null || typeof address === "string") reject(new Error("the side port has no address"));
        else resolve(new BoundAddress(host, address.port));
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #route(method: string, url: string, response: ServerResponse): Promise<void> {
    if (method !== "GET" && method !== "HEAD") return send(response, 405, "text/plain", "only GET is answered here\n");
    const path = url.split("?", 1)[0];
    switch (path) {
      case "/metrics":
        return send(response, 200, this.#registry.contentType, await this.#metrics());
      case "/healthz":
        return send(response, 200, "text/plain", "up\n");
      case "/readyz": {
        const { ready, state } = this.#parts.view();
        return send(response, ready ? 200 : 503, "text/plain", `${ready ? "ready" : "not ready"}: ${state.kind}\n`);
      }
      case "/":
        return send(response, 200, "text/html", statusPage(this.#parts.view(), this.#parts.metrics));
      default:
        return send(response, 404, "text/plain", "try /, /metrics, /healthz or /readyz\n");
    }
  }

  /** The server's metrics even while the driver does not answer: that is when they are looked at. */
  async #metrics(): Promise<string> {
    const { driver, logger } = this.#parts;
    const own = await this.#registry.metrics();
    try {
      const signal = AbortSignal.timeout(DRIVER_METRICS_MS);
      return `${own}${driverMetricsText((await driver.metrics?.({ signal })) ?? [])}`;
    } catch (error) {
      logger.debug({ error: messageOf(error) }, "the driver did not tell its metrics");
      return own;
    }
  }
}

const DRIVER_METRICS_MS = 1_000;

function send(response: ServerResponse, status: number, type: string, body: string): void {
  const contentType = type.includes("charset") ? type : `${type}; charset=utf-8`;
  response.writeHead(status, {
    "content-type": contentType,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(body);
}
