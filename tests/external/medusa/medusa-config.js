// A shop for tests: on loopback, with everything in one PostgreSQL database and nothing else.
const { defineConfig } = require("@medusajs/framework/utils");

module.exports = defineConfig({
  admin: { disable: true },
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    // A URL cannot say that the database is on a socket.
    databaseDriverOptions: { connection: { ssl: false, host: process.env.DATABASE_FOLDER } },
    http: {
      storeCors: "http://localhost:8000",
      adminCors: "http://localhost:9000",
      authCors: "http://localhost:9000",
      jwtSecret: "test-only",
      cookieSecret: "test-only",
    },
  },
});
