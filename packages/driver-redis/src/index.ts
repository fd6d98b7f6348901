// SPDX-License-Identifier: Apache-2.0
// For those who run an oracle on Redis.
export { type Freshness, type RedisDurability, redisCapabilities, redisCapabilitiesOf } from "./capabilities.ts";
