// graphql-codegen: node generate.mjs SCHEMA DOCUMENT...
// Writes operations.ts: every operation of the documents with its types, and what Apollo's cache knows of interfaces.
import { readFileSync, writeFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as fragmentMatcher from '@graphql-codegen/fragment-matcher';
import * as typedDocumentNode from '@graphql-codegen/typed-document-node';
import * as typescriptOperations from '@graphql-codegen/typescript-operations';
import { buildSchema, parse } from 'graphql';

const [schema, ...documents] = process.argv.slice(2);
if (!schema || documents.length === 0) {
  console.error('usage: node generate.mjs SCHEMA DOCUMENT...');
  process.exit(2);
}

function read(path) {
  return readFileSync(path, 'utf8');
}

const written = await codegen({
  filename: 'operations.ts',
  schema: parse(read(schema)),
  schemaAst: buildSchema(read(schema)),
  documents: documents.map((location) => ({ location, document: parse(read(location)) })),
  pluginMap: { typescriptOperations, typedDocumentNode, fragmentMatcher },
  plugins: [{ typescriptOperations: {} }, { typedDocumentNode: {} }, { fragmentMatcher: {} }],
  config: {
    strictScalars: true,
    useTypeImports: true,
    scalars: { Cursor: 'string', Date: 'string', DateTime: 'string', LocalTime: 'string', TimeZone: 'string' },
  },
});
writeFileSync('operations.ts', written);
