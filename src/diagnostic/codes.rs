//! Every code there is. The table makes the list in `docs/language.md`; a test holds a wrong stack against each.

macro_rules! codes {
    ($($name:ident = $code:literal, $doc:literal;)*) => {
        pub mod code {
            $(#[doc = $doc] pub const $name: &str = $code;)*
        }
        /// Code and meaning.
        pub const CODES: &[(&str, &str)] = &[$(($code, $doc)),*];
    };
}

codes! {
    NOT_YAML = "E0101", "The text is not YAML.";
    DUPLICATE_KEY = "E0102", "A key stands twice in one map.";
    UNSUPPORTED_YAML = "E0103", "Anchors, aliases, merge keys, tags, a second document, or a key that is not text.";
    AMBIGUOUS_SCALAR = "E0104", "An unquoted scalar that YAML readers take differently, where text is meant (`15.10`, `0123`, `yes`).";
    TOO_DEEP = "E0105", "Nested too deeply.";
    UNKNOWN_KEY = "E0201", "A key that means nothing here.";
    WRONG_TYPE = "E0202", "A value of another type than the field's.";
    MISSING = "E0203", "A required field is not given.";
    OUT_OF_BOUNDS = "E0204", "A number outside its bounds.";
    NOT_ONE_OF = "E0205", "A word that is not among those allowed.";
    COMPUTED = "E0206", "A field that only AWS fills in.";
    SECRET_IN_FILE = "E0207", "A secret value written into the file.";
    BAD_CIDR = "E0208", "Not a network in CIDR notation, or with host bits set.";
    BAD_NAME = "E0209", "A name of a resource, variable or environment with characters that it may not have.";
    UNKNOWN_TYPE = "E0210", "A `type` that is neither a kind nor a component.";
    BAD_DURATION = "E0211", "Not a duration such as `30s`, `20m`, `1h30m`.";
    CONTRADICTION = "E0212", "Fields that exclude one another, or of which one is needed.";
    UNKNOWN_VARIABLE = "E0301", "A variable that the stack does not declare.";
    BAD_VARIABLE = "E0302", "A variable's value does not fit its declaration.";
    NO_VALUE = "E0303", "A variable without default was not given a value.";
    UNKNOWN_ENVIRONMENT = "E0304", "An environment that the stack does not have, or none chosen.";
    STRAY_VARIABLE = "W0305", "`CIRCLES_VAR_…` in the process environment names no variable of the stack.";
    REGION_CLASH = "E0306", "The region asked for is not the file's.";
    UNKNOWN_RESOURCE = "E0401", "A reference to a resource that the stack does not have.";
    UNKNOWN_ATTRIBUTE = "E0402", "A reference to an attribute that the resource does not have.";
    REFERENCE_TYPE = "E0403", "A reference whose type does not fit the field.";
    CYCLE = "E0404", "Resources that wait for one another in a circle.";
    BAD_REFERENCE = "E0405", "A `${…}` that cannot be read.";
    SECRET_IN_PLAIN = "E0406", "A secret would end up in a field that is not one.";
    CIDR_OVERLAP = "E0501", "Two subnets overlap.";
    CIDR_OUTSIDE = "E0502", "A subnet outside its VPC.";
    FARGATE_SIZE = "E0503", "A pair of cpu and memory that Fargate does not offer.";
    NAME_TAKEN = "E0504", "Two resources with one AWS name.";
    NAME_RULE = "E0505", "A text that AWS refuses: a name, path, id or window with the wrong length, characters or form.";
    ZONES = "E0506", "Too few availability zones.";
    TWO_DEFAULTS = "E0507", "Two services that are both a load balancer's default.";
    MOVED = "E0508", "A `moved` entry that leads nowhere.";
    TWO_TABLES = "E0509", "A subnet in two route tables.";
    POLICY = "E0510", "An IAM policy document that AWS refuses for its form.";
}
