import { render } from "preact";
import { App } from "./app.js";
import { listenToKeys } from "./keys/keys.js";
import { followTheme } from "./live/preferences.js";
import { stream } from "./live/stream.js";
import { followLocation } from "./route/location.js";

followTheme();
followLocation();
listenToKeys();
stream.start();
const host = document.querySelector("#app");
if (host !== null) render(<App />, host);
