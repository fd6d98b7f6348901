// SPDX-License-Identifier: Apache-2.0
import type { MembershipAdmin } from "@tsoracle/consensus";
import { grpcService, MembershipAdminDefinition } from "@tsoracle/proto";
import type { BoundAddress } from "../address.ts";
import { unary } from "../grpc-js-calls.ts";
import { addReflection, addService } from "../grpc-js-services.ts";
import { Listener, limitedGrpcServer } from "../listener.ts";
import type { ResolvedAdminPort, ResolvedOptions } from "../options.ts";
import { reflectionParts } from "../reflection.ts";
import { MembershipService } from "./membership-service.ts";

/** The operators' port: the admin service and reflection of it, and nothing that clients could want. */
export class AdminPort {
  readonly #listener: Listener;
  readonly #where: ResolvedAdminPort;

  constructor(membership: MembershipAdmin, where: ResolvedAdminPort, options: ResolvedOptions) {
    const { driver, logger, limits } = options;
    const service = new MembershipService({ membership, resign: driver.resign?.bind(driver), logger });
    const grpc = limitedGrpcServer(limits);
    addService(
      grpc,
      { ...grpcService(MembershipAdminDefinition) },
      {
        listMembers: unary(() => service.listMembers(), logger),
        addLearner: unary((request: Parameters<typeof service.addLearner>[0]) => service.addLearner(request), logger),
        promote: unary((request: Parameters<typeof service.promote>[0]) => service.promote(request), logger),
        removeNode: unary((request: Parameters<typeof service.removeNode>[0]) => service.removeNode(request), logger),
        transfer: unary((request: Parameters<typeof service.transfer>[0]) => service.transfer(request), logger),
      },
    );
    addReflection(grpc, reflectionParts([MembershipAdminDefinition.fullName]), logger);
    this.#listener = new Listener(grpc, limits, where.tls, logger);
    this.#where = where;
  }

  listen(): Promise<BoundAddress> {
    return this.#listener.listen(this.#where.host, this.#where.port);
  }

  drain(graceMs: number): Promise<void> {
    return this.#listener.drain(graceMs);
  }
}
