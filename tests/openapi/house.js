// What no rule of Redocly's can know of this API.

/** Properties that hold one word of a few, wherever they stand. */
const WORDS = ["field", "kind", "outcome", "result", "source", "state", "status", "system", "trigger"];

const isText = (schema) => [schema.type].flat().includes("string");

/** Whoever reads a word wants to know which ones there are; an error's `code` is one, a client's is not. */
const wordsAreListed = () => ({
  SchemaProperties(properties, { report, location }) {
    const words = "request_id" in properties ? [...WORDS, "code"] : WORDS;
    for (const name of words.filter((word) => properties[word] && isText(properties[word]))) {
      if (properties[name].enum) continue;
      report({ message: `\`${name}\` is one of a few words: \`enum\` says which.`, location: location.child([name]) });
    }
  },
});

/** An example under 413 that says 400 is none. */
const examplesHaveTheirStatus = () => ({
  Response(response, { key, report, location }) {
    const problem = response.content?.["application/problem+json"];
    for (const [name, { value }] of Object.entries(problem?.examples ?? {})) {
      if (String(value.status) === String(key)) continue;
      const at = location.child(["content", "application/problem+json", "examples", name, "value", "status"]);
      report({ message: `The example says ${value.status}, and the answer has ${key}.`, location: at });
    }
  },
});

/** Only a problem has it: `/health/ready` is for platforms, which come back anyway. */
const problemsSayWhenToComeBack = () => ({
  Response(response, { key, report, location }) {
    if (String(key) !== "503" || !response.content?.["application/problem+json"]) return;
    const names = Object.keys(response.headers ?? {}).map((name) => name.toLowerCase());
    if (names.includes("retry-after")) return;
    report({ message: "The answer has `Retry-After`, and the description does not.", location: location.child(["headers"]) });
  },
});

export default function house() {
  return {
    id: "house",
    rules: {
      oas3: {
        "words-are-listed": wordsAreListed,
        "examples-have-their-status": examplesHaveTheirStatus,
        "problems-say-when-to-come-back": problemsSayWhenToComeBack,
      },
    },
  };
}
