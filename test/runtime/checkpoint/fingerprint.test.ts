import { expect, it } from "vitest";
import { fingerprintOf } from "../../../runtime/checkpoint/fingerprint.js";
import { compileTiny, TINY_MLP } from "../../support/tiny-models.js";

it("tells processor, libraries, engines, threads and optimisation", async () => {
  const { plan } = await compileTiny(TINY_MLP, { devices: 2 });
  const [one, other] = plan.devices;
  const whole = { ...plan, files: {}, devices: [one!, { ...other!, threads: 3 }] };
  const { cpu, features, libraries, ...rest } = fingerprintOf(whole, ["ort 1.30", "ort 1.30"]);
  expect(rest).toEqual({
    engines: "ort 1.30",
    devices: "cpu with 1 thread, cpu with 3 threads",
    optimisation: expect.stringMatching(/./) as string,
  });
  expect(cpu.startsWith(process.arch)).toBe(true);
  expect(libraries).toContain(`V8 ${process.versions.v8}, `);
  if (process.platform === "linux") {
    expect(libraries).toMatch(/, glibc 2\.\d+$/);
    expect(features).not.toBe("");
  }
});
