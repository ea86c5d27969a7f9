/** Readers pass over fields they do not know, unless a version they support requires them. */
export const UNKNOWN_FIELDS = "ignore_additive_reject_unknown_required";

export const versioning = {
  add_optional_fields: "minor",
  add_required_fields: "major",
  rename_or_remove_fields: "major",
  unknown_fields: "passed over unless a supported version requires them",
};
