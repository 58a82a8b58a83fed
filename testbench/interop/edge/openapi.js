// Reads an OpenAPI document from standard input with Redocly's linter, prints one
// line for each complaint, and exits with their number, at most 100.
const { createConfig, lintFromString } = require("@redocly/openapi-core");

(async () => {
  const source = require("fs").readFileSync(0, "utf8");
  const config = await createConfig({
    extends: ["recommended"],
    // Two that are taste: an API without a license of its own, and operations for
    // everybody, which name no security.
    rules: { "info-license": "off", "security-defined": "off" },
  });
  const complaints = await lintFromString({ source, absoluteRef: "/openapi.json", config });
  for (const c of complaints) console.log(c.severity, c.ruleId, c.location?.[0]?.pointer, c.message);
  process.exit(Math.min(complaints.length, 100));
})();
