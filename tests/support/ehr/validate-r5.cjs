// Validates the resources of a Bundle (standard input) against the R5 definitions of the npm
// package hl7.fhir.r5.core, unpacked in the folder of the first argument. Each error is a line;
// exit code 1 when there is any. node_modules are those beside this script (install.sh).
'use strict';

const fs = require('fs');
const path = require('path');
const core = require('@medplum/core');

const folder = process.argv[2];
const definitions = fs.readdirSync(folder)
  .filter((name) => name.startsWith('StructureDefinition-'))
  .map((name) => JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')))
  .filter((definition) => definition.derivation !== 'constraint' && definition.kind !== 'logical');
core.indexStructureDefinitionBundle({
  resourceType: 'Bundle', type: 'collection', entry: definitions.map((resource) => ({ resource })),
});

const bundle = JSON.parse(fs.readFileSync(0, 'utf8'));
let errors = 0;
for (const { resource } of bundle.entry) {
  try {
    core.validateResource(resource);
  } catch (error) {
    for (const issue of error.outcome?.issue ?? [{ details: { text: String(error) } }]) {
      if (issue.severity === 'warning') continue;
      console.log(`${resource.resourceType}: ${issue.details?.text} ${issue.expression ?? ''}`);
      ++errors;
    }
  }
}
console.log(`${bundle.entry.length} resources, ${errors} errors`);
process.exit(errors > 0 ? 1 : 0);
