"""The demo: three people live through one month of an API, over the same pages and endpoints as everybody."""
