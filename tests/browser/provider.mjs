// A real OpenID Connect provider on loopback, whose accounts are all names; two of them have groups.
import Provider from "oidc-provider";

const [port, back] = process.argv.slice(2);
const groups = { sonja: ["staff", "soc-team"], hugo: ["staff", "desk"] };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "central", client_secret: "secret-of-central", redirect_uris: [back] }],
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: `id-of-${id}`, preferred_username: id, groups: groups[id] ?? [] }),
  }),
  pkce: { required: () => true },
  cookies: { keys: ["of-this-test"] },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
