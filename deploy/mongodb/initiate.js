// Makes the replica set and its two users, where they are missing. Run by mongosh beside mongod:
// until there is a user, mongod obeys whoever comes from its own machine, and nobody later.
// MEMBERS, SECRETS and MONGODB_LOCAL are what differs outside of compose.yaml.
const { readFileSync } = require("fs");

const MEMBERS = (process.env.MEMBERS || "mongodb:27017").split(",");
const SECRETS = process.env.SECRETS || "/run/secrets";
const LOCAL = process.env.MONGODB_LOCAL || "mongodb://127.0.0.1:27017/?directConnection=true";
const PATIENCE_MS = 120000;
const ends = Date.now() + PATIENCE_MS;

const secret = (name) => readFileSync(`${SECRETS}/${name}`, "utf8").trim();

// Return what `look` returns once that is something; its errors mean "not yet".
function until(look, what) {
  for (;;) {
    let found;
    try {
      found = look();
    } catch (error) {
      if (Date.now() > ends) throw error;
    }
    if (found) return found;
    if (Date.now() > ends) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`);
    sleep(500);
  }
}

const mongod = until(() => connect(LOCAL), "mongod answers");
const admin = mongod.getSiblingDB("admin");
const password = secret("mongodb_admin");

function signedIn() {
  try {
    return admin.auth("admin", password).ok === 1;
  } catch (error) {
    if (error.codeName !== "AuthenticationFailed") throw error;
    return false;
  }
}

if (!signedIn()) {
  try {
    const members = MEMBERS.map((host, _id) => ({ _id, host }));
    admin.adminCommand({ replSetInitiate: { _id: "balcao", members } });
    print("replica set made");
  } catch (error) {
    if (error.codeName === "Unauthorized") {
      throw new Error("mongod has users, and its admin has another password than secrets/mongodb-admin");
    }
    if (error.codeName !== "AlreadyInitialized") throw error;
  }
  until(() => admin.hello().isWritablePrimary, "mongod becomes primary");
  admin.createUser({ user: "admin", pwd: password, roles: ["root"] });
  if (!signedIn()) throw new Error("the new user cannot sign in");
  print("user admin made");
}

until(() => admin.hello().isWritablePrimary, "mongod becomes primary");
const roles = ["readWrite", "dbAdmin"].map((role) => ({ role, db: "balcao" }));
const balcao = { pwd: secret("mongodb_balcao"), roles };
if (admin.getUser("balcao") === null) {
  admin.createUser({ user: "balcao", ...balcao });
  print("user balcao made");
} else {
  // The secret may have been changed.
  admin.updateUser("balcao", balcao);
}
