/** Names of a browser's types that `aws4fetch` uses, and that Node's own types of version 20 leave out. */
type HeadersInit = NonNullable<RequestInit["headers"]>;
type BodyInit = NonNullable<RequestInit["body"]>;
