// SPDX-License-Identifier: Apache-2.0
// For those who run a server.
export { BoundAddress, type ListenAddress } from "./address.ts";
export { type ServerEnd, ServerFault, type ServerFaultCode } from "./finish.ts";
export { DEFAULT_LIMITS, type ServerLimits } from "./limits.ts";
export { type Logger, silentLogger } from "./logger.ts";
export {
  COUNTERS,
  type CounterName,
  HISTOGRAMS,
  type HistogramName,
  type HistogramShape,
  type HistogramTotals,
  type MetricsSnapshot,
  ServerMetrics,
} from "./metrics.ts";
// For those who mount the services elsewhere.
export type { NiceGrpcServer, NiceGrpcService } from "./nice-grpc.ts";
export { type AdminPortOptions, ServerOptionError, type ServerOptions, type SidePortOptions } from "./options.ts";
export { prometheusName, prometheusRegistry } from "./prometheus.ts";
export { createServer, type TsoServer } from "./server.ts";
export type { ServingState } from "./serving-state.ts";
export type { TlsOptions } from "./tls.ts";
