"""Words the organisation is made of: names, departments, titles. Data only.

Awkward on purpose: quotes, emoji, right-to-left scripts and combining characters are what a topic or a
display name really holds.
"""

AWKWARD_NAMES = (
    "Zoe\u0308 Mu\u0308ller-Lüdenscheidt",  # combining diaeresis beside a precomposed one
    'Seán "Shay" O\u2019Briain',
    "ליאור כהן",
    "Mia \U0001f98a Chen",
    "山田 太郎",
    "محمد العلي",
    "Nguyễn Thị Ánh",
    "Ana \U0001f469\u200d\U0001f52c, PhD",  # an emoji of three code points, and a comma
)

FIRST_NAMES = (
    *("Ada", "Adam", "Agnes", "Ahmed", "Aiko", "Alan", "Alba", "Amir", "Anders", "Anja", "Anna", "Arjun"),
    *("Astrid", "Aylin", "Ben", "Berta", "Bruno", "Carla", "Cem", "Chiara", "Clara", "Dan", "Daria"),
    *("David", "Deniz", "Diego", "Dora", "Edith", "Elena", "Eli", "Emil", "Emma", "Erik", "Esther"),
    *("Fatima", "Felix", "Femi", "Finn", "Frida", "Gita", "Greta", "Hana", "Hugo", "Ida", "Ines", "Ivan"),
    *("Jana", "Jonas", "Julia", "Kai", "Kofi", "Lara", "Leo", "Lina", "Luca", "Maja", "Malik", "Marta"),
    *("Milo", "Nadia", "Nils", "Nora", "Omar", "Oskar", "Paula", "Petra", "Rafael", "Rosa", "Ruth"),
    *("Samir", "Sara", "Sofia", "Sven", "Tariq", "Thea", "Tomas", "Uma", "Vera", "Viktor", "Yara", "Zeno"),
)

LAST_NAMES = (
    *("Abara", "Adler", "Almeida", "Bauer", "Beck", "Bergman", "Bianchi", "Blum", "Bose", "Castro"),
    *("Celik", "Conti", "Costa", "Dahl", "Demir", "Diallo", "Dubois", "Ek", "Eriksen", "Esposito"),
    *("Farkas", "Fischer", "Fontaine", "Garcia", "Gruber", "Haas", "Haddad", "Hansen", "Hoang", "Horvat"),
    *("Iyer", "Jansen", "Jensen", "Kaya", "Keller", "Khan", "Kim", "Klein", "Kowalski", "Kraus", "Lang"),
    *("Larsen", "Lehmann", "Lopez", "Lund", "Maas", "Marino", "Mbeki", "Meyer", "Moreau", "Nagy", "Nowak"),
    *("Okafor", "Olsen", "Ortiz", "Park", "Pereira", "Petrov", "Popescu", "Rao", "Reyes", "Ricci"),
    *("Roth", "Sato", "Schmidt", "Silva", "Singh", "Sousa", "Steiner", "Stern", "Suzuki", "Tanaka"),
    *("Toth", "Vogel", "Wagner", "Weber", "Weiss", "Wolf", "Yilmaz", "Zeller", "Ziegler", "Zhang"),
)

DEPARTMENTS = ("Engineering", "Product", "Sales", "Support", "Finance", "People", "Operations")

TIMEZONES = ("Europe/Berlin", "Europe/Lisbon", "America/New_York", "Asia/Kolkata")

CUSTOMERS = ("acme.example", "globex.example", "initech.example", "umbrella.example", "hooli.example")

SERIES_TITLES = (
    *("Standup", "Weekly sync", "Planning", "Retrospective", "Pipeline review", "Design review"),
    *("Roadmap", "Incident review", "Office hours", "Budget check", "Hiring loop", "Demo day"),
)

TITLES = (
    *("Catch-up", "Onboarding", "Interview", "Architecture: storage", "Q&A", "Contract review", "Kick-off"),
    *("Debug session", "Renewal", "Pricing", "Quarterly numbers", "Security review", "Brainstorm"),
    'Re: "final" scope <v2>',
    "Überblick & Ausblick",
)

AWKWARD_TITLES = (
    '\U0001f680 Launch – "Día 1" – שיחת צוות',
    "مراجعة الميزانية / budget review",
    "Cafe\u0301 chat: it\u2019s 100% \\ optional",
)
