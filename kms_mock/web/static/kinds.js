// The kinds of resources in the state: where they are, which columns a list of them has, what one can do with one.

import { MASK } from "./data.js";
import { accountOf, resources } from "./model.js";
import { t } from "./texts.js";

const column = (key, value = (row) => row[key], kind = "") => ({ title: t(`column_${key}`), value, kind });
const name = column("name");
const id = column("id", (row) => row.id, "id");
const created = column("created", (row) => (row.created ?? "").slice(0, 10));
const description = column("description");
const tags = column("tags", (row) => Object.entries(row.tags ?? {}).map(([key, value]) => `${key}=${value}`).join(", "));
const stages = column("stages", (row) => row.versions.flatMap((version) => (version.stages ?? []).map((stage) => `${stage}: ${version.id}`)).join(", "));
const versions = column("versions", (row) => (row.versions ?? []).length, "number");
const list = (key) => column(key, (row) => (Array.isArray(row[key]) ? row[key].join(", ") : row[key]));

const here = (section) => (who) => resources(who)[section] ?? [];
const ofAccount = (section) => (who) => accountOf(who)[section] ?? [];

const KINDS = {
  secrets: { rows: here("secrets"), columns: [name, column("type", (row) => row.type ?? "Generic"), stages, versions, description, tags, created], actions: secretActions },
  keys: { rows: here("keys"), columns: [id, column("state"), column("spec", (row) => row.spec ?? "Aliyun_AES_256"), list("aliases"), versions, description, created], actions: keyActions },
  aliases: { rows: (who) => here("keys")(who).flatMap((key) => (key.aliases ?? []).map((alias) => ({ name: alias, key: key.id }))), columns: [name, column("key", (row) => row.key, "id")], actions: aliasActions },
  certificates: { rows: here("certificates"), columns: [id, column("status"), column("spec"), column("subject"), created], actions: () => [] },
  instances: { rows: here("instances"), columns: [id, name, column("status"), column("vpc_num", (row) => row.vpc_num, "number"), created], actions: () => [] },
  managed_data_keys: { rows: here("managed_data_keys"), columns: [name, versions, created], actions: () => [] },
  access_points: { rows: here("access_points"), columns: [name, list("policies"), description, created], actions: () => [] },
  access_policies: { rows: here("access_policies"), columns: [name, list("permissions"), list("resources"), created], actions: () => [] },
  network_rules: { rows: here("network_rules"), columns: [name, list("sources"), description, created], actions: () => [] },
  access_keys: { rows: ofAccount("access_keys"), columns: [id, column("user"), column("active", (row) => String(row.active ?? true))], actions: () => [] },
  users: { rows: ofAccount("users"), columns: [name, column("policies", (row) => policyNames(row.policies))], actions: () => [] },
  roles: { rows: ofAccount("roles"), columns: [name, column("policies", (row) => policyNames(row.policies))], actions: () => [] },
  ram_policies: { rows: ofAccount("ram_policies"), columns: [name], actions: () => [] },
  sessions: { rows: ofAccount("sessions"), columns: [id, column("role"), name, column("expires")], actions: () => [] },
};

// Whatever else a fixture document has lists of: with a name or id, and when it was made.
const other = (section) => ({ rows: (who) => ofAccount(section)(who).concat(here(section)(who)), columns: [column("name", nameOf), description, created], actions: () => [] });

// All kinds by section: those above, and the others that the account or region has.
export function kindsOf(who) {
  const lists = Object.entries({ ...accountOf(who), ...resources(who) }).filter(([section, rows]) => !(section in KINDS) && section !== "regions" && Array.isArray(rows));
  return { ...KINDS, ...Object.fromEntries(lists.map(([section]) => [section, other(section)])) };
}

export const nameOf = (row) => row.name ?? row.id ?? row.instance;
export const keyOf = (row) => row.id ?? row.name ?? row.instance;

function policyNames(policies) {
  return (policies ?? []).map((policy) => (typeof policy === "string" ? policy : t("inline_policy"))).join(", ");
}

// An action is [operation, parameters, whether the form comes first].
function secretActions(row) {
  const named = { SecretName: row.name };
  if (row.planned_delete) return [["RestoreSecret", named], ["DeleteSecret", { ...named, ForceDeleteWithoutRecovery: "true" }]];
  const generic = (row.type ?? "Generic") === "Generic";
  const current = row.versions.find((version) => version.stages?.includes("ACSCurrent"));
  return [
    ["GetSecretValue", named, true],
    generic ? ["PutSecretValue", { ...named, VersionId: nextVersion(row) }, true] : ["RotateSecret", { ...named, VersionId: nextVersion(row) }],
    ["UpdateSecretVersionStage", { ...named, VersionStage: "ACSCurrent", MoveToVersion: row.versions.find((version) => version !== current)?.id ?? "", RemoveFromVersion: current?.id ?? "" }, true],
    ["DeleteSecret", { ...named, RecoveryWindowInDays: "7" }],
  ];
}

function nextVersion(row) {
  let number = row.versions.length + 1;
  while (row.versions.some((version) => version.id === `v${number}`)) number += 1;
  return `v${number}`;
}

function keyActions(row) {
  const named = { KeyId: row.id };
  if (row.state === "PendingDeletion") return [["CancelKeyDeletion", named]];
  return [
    row.state === "Disabled" ? ["EnableKey", named] : ["DisableKey", named],
    ["Encrypt", named, true],
    ["CreateAlias", named, true],
    ["CreateKeyVersion", named],
    ["UpdateRotationPolicy", { ...named, EnableAutomaticRotation: "true", RotationInterval: "365d" }, true],
    ["ScheduleKeyDeletion", { ...named, PendingWindowInDays: "7" }],
  ];
}

function aliasActions(row) {
  return [["UpdateAlias", { AliasName: row.name, KeyId: row.key }, true], ["DeleteAlias", { AliasName: row.name }]];
}

export const isMasked = (row) => JSON.stringify(row).includes(`"${MASK}"`);
