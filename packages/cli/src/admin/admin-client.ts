// SPDX-License-Identifier: Apache-2.0
import { ChannelCredentials, Client } from "@grpc/grpc-js";
import { type GrpcMethod, grpcService, MembershipAdminDefinition } from "@tsoracle/proto";
import type { ClientTls } from "../open-client.ts";

/** The methods of `tsoracle.admin.v1.MembershipAdmin`. */
export const ADMIN: ReturnType<typeof grpcService<typeof MembershipAdminDefinition>> =
  grpcService(MembershipAdminDefinition);

/** One call to the operators' port of one node. @throws what grpc-js rejects with */
export async function callAdmin<Request, Response>(
  endpoint: string,
  tls: ClientTls | undefined,
  method: GrpcMethod<Request, Response>,
  request: Request,
  deadlineMs: number,
): Promise<Response> {
  const credentials =
    tls === undefined
      ? ChannelCredentials.createInsecure()
      : ChannelCredentials.createSsl(tls.ca, tls.key ?? null, tls.cert ?? null);
  const client = new Client(endpoint.replace(/^https?:\/\//, ""), credentials);
  try {
    return await new Promise<Response>((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        (message: Request) => method.requestSerialize(message),
        (bytes) => method.responseDeserialize(bytes),
        request,
        { deadline: Date.now() + deadlineMs },
        (error, response) => {
          if (error === null) resolve(response as Response);
          else reject(error);
        },
      );
    });
  } finally {
    client.close();
  }
}
