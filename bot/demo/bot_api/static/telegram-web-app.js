// What a Mini App finds in place of Telegram's own script: who opened it, the colours, and the frame around it.

(() => {
  const given = new URLSearchParams(location.hash.slice(1));
  const callbacks = {};
  const tell = (eventType, eventData = {}) => window.parent.postMessage(JSON.stringify({ eventType, eventData }), "*");
  const call = (name) => { for (const each of callbacks[name] ?? []) each(); };
  const onEvent = (name, callback) => { (callbacks[name] ??= []).push(callback); };

  const WebApp = {
    initData: given.get("tgWebAppData") ?? "",
    version: given.get("tgWebAppVersion") ?? "6.0",
    platform: given.get("tgWebAppPlatform") ?? "unknown",
    themeParams: {},
    colorScheme: "light",
    onEvent,
    ready: () => tell("web_app_ready"),
    expand: () => tell("web_app_expand"),
    close: () => tell("web_app_close"),
    BackButton: {
      show: () => tell("web_app_setup_back_button", { is_visible: true }),
      hide: () => tell("web_app_setup_back_button", { is_visible: false }),
      onClick: (callback) => onEvent("backButtonClicked", callback),
    },
  };

  function setTheme(params) {
    WebApp.themeParams = params;
    for (const [name, colour] of Object.entries(params)) {
      document.documentElement.style.setProperty(`--tg-theme-${name.replaceAll("_", "-")}`, colour);
    }
    const bright = parseInt((params.bg_color ?? "#ffffff").slice(1, 3), 16);
    WebApp.colorScheme = bright < 120 ? "dark" : "light";
  }

  setTheme(JSON.parse(given.get("tgWebAppThemeParams") ?? "{}"));
  window.addEventListener("message", ({ source, data }) => {
    if (source !== window.parent || typeof data !== "string") return;
    const { eventType, eventData } = JSON.parse(data);
    if (eventType === "theme_changed") {
      setTheme(eventData.theme_params);
      call("themeChanged");
    } else if (eventType === "back_button_pressed") {
      call("backButtonClicked");
    }
  });
  window.Telegram = { WebApp };
})();
