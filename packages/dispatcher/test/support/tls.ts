/**
 * A certificate for `localhost` and its key, signed by itself: for tests alone, trusted by nobody. Made with
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500`.
 */
export const TEST_CERTIFICATE = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBljCCAT2gAwIBAgIUEuEB43MhJP73nwAUDYIcvPUEkoEwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKbGFtcHMtdGVzdDAgFw0yNjExMjQyMzI0MDRaGA8yMTI2MTAz
MTIzMjQwNFowFTETMBEGA1UEAwwKbGFtcHMtdGVzdDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABFL73hIgRqcO2Iq1EgNX54aWy4bSPLujdmTdA9ZJ0TBBoePOcl2X
KIVEbk3X26YzvL/UX0IcqYxOlzsLwFtJ6/KjaTBnMB0GA1UdDgQWBBTxlVsnOlEx
Xwa8btChJpzYufkgSDAfBgNVHSMEGDAWgBTxlVsnOlExXwa8btChJpzYufkgSDAU
BgNVHREEDTALgglsb2NhbGhvc3QwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQD
AgNHADBEAiA7JCT/Xbc7yqnP+5eeoYddX/3XJk45tjBQvJexaKc1wwIgDlv6nMGw
L9egzL/KrDB2NyESzzk+rAvSijQc7tI/KtU=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBbZi38UAfNq2SyLf
ojO6vhiLoaOqfJv+m0O9ASm6CPuhRANCAARS+94SIEanDtiKtRIDV+eGlsuG0jy7
o3Zk3QPWSdEwQaHjznJdlyiFRG5N19umM7y/1F9CHKmMTpc7C8BbSevy
-----END PRIVATE KEY-----
`,
};
