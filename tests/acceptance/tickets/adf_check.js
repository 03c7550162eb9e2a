// Checks documents against Atlassian's schema of its document format. usage: adf_check.js FILE, a JSON array.
const fs = require("fs");
const path = require("path");
const Ajv = require("ajv-draft-04");
const folder = process.env.NODE_PATH;
const schema = JSON.parse(fs.readFileSync(path.join(folder, "@atlaskit/adf-schema/dist/json-schema/v1/full.json")));
const isValid = new Ajv({ strict: false, allErrors: true }).compile(schema);
if (isValid({ version: 1, type: "doc", content: [{ type: "text", text: "" }] })) {
    throw new Error("the schema accepts everything");
}
const documents = JSON.parse(fs.readFileSync(process.argv[2]));
if (documents.length === 0) throw new Error("there are no documents");
for (const document of documents) {
    if (!isValid(document)) {
        console.error(JSON.stringify(document, null, 1).slice(0, 4000));
        console.error(JSON.stringify(isValid.errors.slice(0, 5), null, 1));
        throw new Error("the schema refuses a comment");
    }
}
console.log(`ok: ${documents.length} comments are valid documents`);
