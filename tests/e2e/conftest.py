"""The browser in which the demo's page is used."""

from tests.demo.test_page import browser as browser
