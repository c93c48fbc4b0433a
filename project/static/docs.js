"use strict";

/* Starts Swagger UI or Redoc, whichever this page holds, in the project's colours. */

const dark = matchMedia("(prefers-color-scheme: dark)");

function startSwagger(element) {
  const wearScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  wearScheme();
  dark.addEventListener("change", wearScheme);
  SwaggerUIBundle({
    domNode: element,
    url: element.dataset.openapiUrl,
    oauth2RedirectUrl: new URL(element.dataset.oauth2RedirectUrl, location.href).href,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "list",
    filter: true,
    persistAuthorization: true,
    showCommonExtensions: true,
    showExtensions: true,
    tryItOutEnabled: true,
    validatorUrl: null, // the validator is a service on another host
  });
}

function startRedoc(element) {
  // Redoc mixes shades in JavaScript, so it needs colours it can calculate with.
  const probe = element.appendChild(document.createElement("i"));
  const colour = (token) => {
    probe.style.color = `var(--lt-${token})`;
    return getComputedStyle(probe).color;
  };
  const fonts = getComputedStyle(document.body).fontFamily;
  const options = {
    expandResponses: "200,201",
    hideHostname: true,
    nativeScrollbars: true,
    sortTagsAlphabetically: false,
    theme: redocTheme(colour, fonts),
  };
  probe.remove();
  Redoc.init(element.dataset.openapiUrl, options, element);
  // Its shades are fixed once mixed: another scheme means another start.
  dark.addEventListener("change", () => location.reload());
}

function redocTheme(colour, fonts) {
  const mono = getComputedStyle(document.documentElement).getPropertyValue("--lt-mono");
  return {
    colors: {
      primary: { main: colour("accent"), light: colour("accent") },
      success: { main: colour("accent") },
      text: { primary: colour("ink"), secondary: colour("muted") },
      border: { light: colour("line"), dark: colour("line") },
      responses: {
        success: { color: colour("accent"), backgroundColor: colour("surface"), tabTextColor: "#7fd9ca" },
        error: { color: colour("danger"), backgroundColor: colour("surface"), tabTextColor: "#ff9d92" },
        redirect: { color: colour("muted"), backgroundColor: colour("surface") },
        info: { color: colour("muted"), backgroundColor: colour("surface") },
      },
    },
    schema: {
      linesColor: colour("line"),
      nestedBackground: colour("surface"),
      typeNameColor: colour("muted"),
      typeTitleColor: colour("muted"),
      requireLabelColor: colour("danger"),
      arrow: { color: colour("muted") },
    },
    typography: {
      fontFamily: fonts,
      fontSize: "15px",
      headings: { fontFamily: fonts, fontWeight: "650" },
      code: { fontFamily: mono, color: colour("ink"), backgroundColor: colour("surface") },
      links: { color: colour("accent"), visited: colour("accent"), hover: colour("accent") },
    },
    sidebar: {
      backgroundColor: colour("surface"),
      textColor: colour("ink"),
      activeTextColor: colour("accent"),
    },
    rightPanel: { backgroundColor: "#211f1c", textColor: "#f1eee8" },
    codeBlock: { backgroundColor: "#0f0e0d" },
  };
}

const swagger = document.getElementById("swagger-ui");
const redoc = document.getElementById("redoc");
if (swagger) startSwagger(swagger);
if (redoc) startRedoc(redoc);
