import * as z from "zod";

/**
 * The part of OCSF 1.6.0 that a record of ours may use (https://schema.ocsf.io/1.6.0): the attributes of
 * each class by name, what is required, its constraints and its enumerations. An attribute that the class
 * does not have is a mistake.
 */
const Endpoint = z
  .strictObject({
    name: z.string().min(1).optional(),
    hostname: z.string().min(1).optional(),
    ip: z.union([z.ipv4(), z.ipv6()]).optional(),
    port: z.int().min(0).max(65_535).optional(),
    svc_name: z.string().min(1).optional(),
  })
  .refine(({ name, hostname, ip, svc_name }) => name ?? hostname ?? ip ?? svc_name, "at least one of them");

const Metadata = z.strictObject({
  version: z.literal("1.6.0"),
  profiles: z.tuple([z.literal("security_control")]),
  product: z.strictObject({
    name: z.string().min(1),
    vendor_name: z.string().min(1),
    feature: z.strictObject({ name: z.string().min(1) }),
  }),
  uid: z.string().min(1),
  sequence: z.int(),
  event_code: z.string().min(1),
  logged_time: z.int().positive(),
});

const base = {
  severity_id: z.literal([0, 1, 2, 3, 4, 5, 6, 99]),
  time: z.int().positive(),
  metadata: Metadata,
  status_id: z.literal([0, 1, 2, 99]),
  status: z.string().min(1).optional(),
  status_code: z.string().optional(),
  status_detail: z.string().optional(),
  activity_name: z.string().min(1).optional(),
  duration: z.int().nonnegative().optional(),
  unmapped: z.record(z.string(), z.unknown()),
  // The profile `security_control`.
  action_id: z.literal([0, 1, 2, 3, 4, 99]),
  action: z.string().min(1).optional(),
  disposition_id: z.int().min(0).max(27),
  firewall_rule: z.strictObject({ name: z.string().min(1) }).optional(),
};

const network = {
  ...base,
  category_uid: z.literal(4),
  src_endpoint: Endpoint.optional(),
  dst_endpoint: Endpoint,
};

const wire = {
  connection_info: z.strictObject({
    direction_id: z.literal([0, 1, 2, 3, 4, 99]),
    protocol_name: z.literal("tcp"),
    protocol_num: z.literal(6),
  }),
  traffic: z
    .strictObject({
      bytes_in: z.int().nonnegative().optional(),
      bytes_out: z.int().nonnegative().optional(),
      bytes: z.int().nonnegative().optional(),
    })
    .optional(),
};

const classes = z.discriminatedUnion("class_uid", [
  z.strictObject({
    ...network,
    ...wire,
    class_uid: z.literal(4001),
    activity_id: z.literal([0, 1, 2, 3, 4, 5, 6, 7, 99]),
    type_uid: z.int(),
  }),
  z.strictObject({
    ...network,
    ...wire,
    class_uid: z.literal(4002),
    activity_id: z.literal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 99]),
    type_uid: z.int(),
    http_request: z.strictObject({
      http_method: z
        .enum(["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"])
        .optional(),
    }),
  }),
  z.strictObject({
    ...network,
    class_uid: z.literal(4003),
    activity_id: z.literal([0, 1, 2, 6, 99]),
    type_uid: z.int(),
    query: z.strictObject({ hostname: z.string(), type: z.string().optional() }),
    answers: z.array(z.strictObject({ rdata: z.string().min(1) })).optional(),
    rcode_id: z.int().min(0).max(25).optional(),
  }),
  z.strictObject({
    ...base,
    category_uid: z.literal(6),
    class_uid: z.literal(6003),
    activity_id: z.literal([0, 1, 2, 3, 4, 99]),
    type_uid: z.int(),
    actor: z.strictObject({
      app_name: z.string().min(1),
      session: z.strictObject({ uid: z.string().min(1) }).optional(),
    }),
    api: z.strictObject({
      operation: z.string().min(1),
      service: z.strictObject({ name: z.string().min(1) }),
    }),
    src_endpoint: Endpoint,
    resources: z.array(z.strictObject({ name: z.string(), type: z.string().min(1) })),
  }),
]);

/** Any event of these classes, with the rules that tie one attribute to another. */
export const OcsfSchema = classes
  .refine((event) => event.type_uid === event.class_uid * 100 + event.activity_id, "type_uid")
  .refine((event) => event.activity_id !== 99 || event.activity_name !== undefined, "activity_name")
  .refine((event) => event.status_id !== 99 || event.status !== undefined, "status")
  .refine((event) => event.action_id !== 99 || event.action !== undefined, "action");
