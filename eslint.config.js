import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "docs/api", "fixtures", "node_modules"] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "separate-type-imports" }],
      "@typescript-eslint/switch-exhaustiveness-check": "off",
      "no-console": "error",
    },
  },
  { files: ["scripts/**"], rules: { "no-console": "off" } },
  {
    files: ["runtime/report/page/*.js"],
    languageOptions: {
      sourceType: "script",
      globals: Object.fromEntries(
        [
          ...["document", "addEventListener", "removeEventListener", "CustomEvent", "getComputedStyle", "matchMedia"],
          ...["requestAnimationFrame", "devicePixelRatio", "innerHeight"],
        ].map((name) => [name, "readonly"]),
      ),
    },
  },
  { files: ["**/*.mjs", "*.js"], languageOptions: { globals: { process: "readonly", console: "readonly" } } },
);
