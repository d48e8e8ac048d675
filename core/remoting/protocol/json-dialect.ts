/**
 * The JSON that Apache's servers and Java clients write into bodies: fastjson with its defaults, which is not always JSON.
 *
 * ```
 * document  = value
 * value     = object | array | string | number | "true" | "false" | "null"
 * object    = "{" [ member { "," member } ] "}"
 * member    = key ":" value
 * key       = string | integer | object          integer: a map with numbers as keys, {0:"a"}
 *                                                object:  a map with objects as keys, {{"topic":"T"}:9}
 * array     = "[" [ value { "," value } ] "]"
 * string    = '"' { any character but '"' and "\" | escape } '"'
 * escape    = "\" ( '"' | "'" | "\" | "/" | "b" | "f" | "n" | "r" | "t" | "v" | "u" 4 hex digits )
 * number    = integer [ "." digits ] [ ( "e" | "E" ) [ "+" | "-" ] digits ]
 * integer   = [ "-" ] ( "0" | digit from 1 on { digit } )
 * reference = '{"$ref":"' ( "$" | "$" path | "@" | ".." ) '"}'     stands for an object written elsewhere
 * path      = { "." name | "[" index "]" }                         "\" before a character of a name takes it as it is
 * ```
 * Blanks may stand between tokens, nothing may follow the document. `@` is the object that the reference stands in, `..`
 * the one around that, `$` the outermost one.
 *
 * What comes out: objects without a prototype, so that `__proto__` is a name like any other; of a name that comes twice
 * the last value stays. An object with at least one object as key becomes a `Map` in the order read; keys that are integers
 * become names. Whole numbers that a double cannot hold become bigint, so that every int64 is exact.
 */
export { type DialectObject, isDialectObject, mapEntries } from './json-dialect-object.js';
export { parseJsonDialect } from './json-dialect-parser.js';
export { type JsonDialectOptions, stringifyJsonDialect } from './json-dialect-writer.js';
